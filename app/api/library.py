"""The shipped workflows: what there is to begin with, each with a picture of what it made."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from app.editor.workspace import ENDING, SHIPPED, Workspace
from pipelines.document import load

THUMBNAILS = SHIPPED / "thumbnails"
NEEDING = SHIPPED / "open_weights"
# What is shown first; the rest follows by name.
FIRST = ("text_to_video", "text_to_image", "animate_image", "extend_video", "seamless_loop", "edit_video", "inpaint")


@dataclass(frozen=True, slots=True)
class Shipped:
    """needs_weights: open ones, that the person has to have. thumbnail: its address; where there is none, "" and a
    sketch of the graph in its stead."""

    name: str
    title: str
    description: str
    needs_weights: bool
    thumbnail: str
    sketch: dict[str, Any] | None


def library_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api/library")

    @router.get("")
    def shipped() -> list[dict[str, Any]]:
        return [asdict(each) for each in all_shipped()]

    @router.get("/{name}/thumbnail")
    def thumbnail(name: str) -> FileResponse:
        return FileResponse(THUMBNAILS / f"{known(name).name}.webp", media_type="image/webp")

    @router.post("/{name}")
    async def begin(name: str) -> dict[str, str]:
        """A copy of a shipped workflow, to work in."""
        return {"name": workspace.create(known(name).name, load(file_of(name)))}

    return router


def known(name: str) -> Shipped:
    for each in all_shipped():
        if each.name == name:
            return each
    raise HTTPException(404, f"no workflow {name[:80]!r} is shipped; the gallery shows those that are")


@cache
def all_shipped() -> tuple[Shipped, ...]:
    """What runs at once, then what needs open weights."""
    ready, needing = (
        sorted(path.name.removesuffix(ENDING) for path in folder.glob(f"*{ENDING}")) for folder in (SHIPPED, NEEDING)
    )
    first = sorted(ready, key=lambda name: (*FIRST, name).index(name))
    return tuple(described(name) for name in (*first, *needing))


def file_of(name: str) -> Path:
    path = SHIPPED / f"{name}{ENDING}"
    return path if path.is_file() else NEEDING / path.name


def described(name: str) -> Shipped:
    content = json.loads(file_of(name).read_text(encoding="utf-8"))
    meta = content.get("meta", {})
    pictured = (THUMBNAILS / f"{name}.webp").is_file()
    thumbnail = f"/api/library/{name}/thumbnail" if pictured else ""
    sketch = None if pictured else sketched(content)
    needs_weights = file_of(name).parent == NEEDING
    return Shipped(name, meta.get("title", name), meta.get("description", ""), needs_weights, thumbnail, sketch)


def sketched(content: dict[str, Any]) -> dict[str, Any]:
    """What the page draws a graph of: nodes by id with type and place, wires as [node, output, node, input], and the
    size of what it makes, as far as its nodes say: {"width", "height", "frames"}."""
    layout = content["layout"]
    nodes = {
        name: {"type": node["type"], "x": layout[name]["x"], "y": layout[name]["y"]}
        for name, node in content["nodes"].items()
    }
    said = [node["params"] for node in content["nodes"].values() if "width" in node["params"]]
    size = {name: value for name, value in (said[0] if said else {}).items() if name in ("width", "height", "frames")}
    return {"nodes": nodes, "wires": [[*wire["from"], *wire["to"]] for wire in content["wires"]], "size": size}
