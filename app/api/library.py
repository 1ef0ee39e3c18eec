"""The shipped workflows: what there is to begin with, each with a picture of what it made."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from app.editor.workspace import Workspace
from app.shipped import ENDING, NEEDING, SHIPPED, shipped_file
from pipelines.document import load

THUMBNAILS = SHIPPED / "thumbnails"
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
        file = shipped_file(known(name).name)
        assert file
        return {"name": workspace.create(name, load(file))}

    return router


def known(name: str) -> Shipped:
    for each in all_shipped():
        if each.name == name:
            return each
    raise HTTPException(404, f"no workflow {name[:80]!r} is shipped; the gallery shows those that are")


@cache
def all_shipped() -> tuple[Shipped, ...]:
    """What runs at once, then what needs open weights."""
    found = [described(path) for folder in (SHIPPED, NEEDING) for path in sorted(folder.glob(f"*{ENDING}"))]
    # By place among the first, and else by name: the sort keeps what it finds.
    return tuple(sorted(found, key=lambda one: (one.needs_weights, (*FIRST, one.name).index(one.name))))


def described(path: Path) -> Shipped:
    name, content = path.name.removesuffix(ENDING), json.loads(path.read_text(encoding="utf-8"))
    meta = content.get("meta", {})
    pictured = (THUMBNAILS / f"{name}.webp").is_file()
    thumbnail = f"/api/library/{name}/thumbnail" if pictured else ""
    sketch = None if pictured else sketched(content)
    return Shipped(
        name, meta.get("title", name), meta.get("description", ""), path.parent == NEEDING, thumbnail, sketch
    )


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
