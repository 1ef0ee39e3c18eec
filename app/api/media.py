"""Bytes over HTTP: views of stored values, live previews, written files, and files brought in.

What is named by its content never changes, so browsers may keep it for ever. Clips go as files, whose response knows
ranges, since a browser seeks in them.
"""

import asyncio
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse

from app.api.views import How, Views
from app.editor.workspace import Workspace
from assets import images
from assets.files import FileRefused
from assets.media import encode_clip, read_clip
from assets.media.workflow import read_workflow
from assets.store import BlobMissing
from assets.values import Clip
from nodes.preview.views import Way
from pipelines.document import DocumentError

FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
MAX_UPLOAD = 2 * 1024**3
# Pixels of the longer side of a picture in the file picker.
PICTURE = 112


def media_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter()
    views = Views(workspace.store, workspace.settings)
    inputs = workspace.settings.files.inputs[0]

    @router.get("/view/{digest}/about")
    async def about(digest: str) -> dict[str, Any]:
        try:
            return await asyncio.to_thread(views.about, digest)
        except (BlobMissing, FileRefused, ValueError) as error:
            raise HTTPException(404, str(error)) from None

    async def shown(digest: str, how: How | None = None) -> FileResponse:
        try:
            made = await asyncio.to_thread(views.rendered, digest, how)
        except (BlobMissing, FileRefused, ValueError) as error:
            raise HTTPException(404, str(error)) from None
        return FileResponse(made.path, media_type=made.media_type, headers=FOR_EVER)

    @router.get("/view/{digest}")
    async def view(digest: str) -> FileResponse:
        return await shown(digest)

    @router.get("/view/{digest}/after/{steps}")
    async def after(digest: str, steps: int) -> FileResponse:
        """A trajectory after so many steps."""
        return await shown(digest, steps)

    @router.get("/view/{digest}/as/{way}")
    async def another_way(digest: str, way: Way) -> FileResponse:
        """A latent by its principal components, or channel by channel."""
        return await shown(digest, way)

    @router.get("/view/{digest}/figures")
    async def figures(digest: str, response: Response) -> dict[str, Any]:
        """Of patches which are given, of a conditioning how much each token is attended to."""
        try:
            found = await asyncio.to_thread(views.figures, digest)
        except (BlobMissing, ValueError) as error:
            raise HTTPException(404, str(error)) from None
        response.headers.update(FOR_EVER)
        return found

    @router.get("/preview/{workflow}/{node:path}/{revision}")
    async def preview(workflow: str, node: str, revision: str) -> Response:
        opened = workspace.opened.get(workflow)
        picture = opened.board.pictures.get(node) if opened else None
        if picture is None:
            return Response(status_code=204)  # no fault of the page: the node ran on while it asked
        # An older revision than the one asked for is never sent: what is there is as new or newer.
        headers = FOR_EVER if picture.revision == revision else {"Cache-Control": "no-store"}
        return Response(picture.data, media_type=picture.media_type, headers=headers)

    @router.get("/api/files")
    async def files() -> list[str]:
        return await asyncio.to_thread(readable, workspace.settings.files.inputs)

    @router.get("/api/files/picture")
    async def picture(file: str) -> Response:
        """The first frame of a file that a workflow may read, small; nothing where it is gone or shows none."""
        try:
            path = workspace.settings.files.find(file)
            data = await asyncio.to_thread(_picture, path, path.stat().st_mtime_ns)
        except (FileRefused, OSError, ValueError):
            return Response(status_code=204)
        return Response(data, media_type="image/webp", headers={"Cache-Control": "no-cache"})

    @router.put("/api/files/{name}")
    async def bring_in(name: str, request: Request) -> dict[str, str | bool]:
        path = await received(request, name, inputs)
        return {"name": path.name, "workflow": await asyncio.to_thread(read_workflow, path) is not None}

    @router.post("/api/files/{name}/workflow")
    async def open_carried(name: str) -> dict[str, str]:
        try:
            path = workspace.settings.files.find(name)
            text = await asyncio.to_thread(read_workflow, path)
            if text is None:
                raise HTTPException(422, f"{name} carries no workflow; only files that Patchloom saved do")
            return {"name": workspace.bring_in(path.stem, text)}
        except (DocumentError, FileRefused) as error:
            raise HTTPException(422, str(error)) from None

    return router


@lru_cache(maxsize=256)
def _picture(path: Path, changed: int) -> bytes:
    """changed: when, so that another content has another picture."""
    clip = read_clip(path, frames=1)
    height, width = clip.frames.shape[1:3]
    scale = min(1, PICTURE / max(height, width))
    small = images.resize(clip.frames, max(1, round(height * scale)), max(1, round(width * scale)))
    return encode_clip(Clip(small, clip.fps), "webp")


def readable(folders: tuple[Path, ...]) -> list[str]:
    """The files that a workflow may read, by the name that it reads them by."""
    found: dict[str, None] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden:
                found[path.relative_to(folder).as_posix()] = None
    return list(found)


def safe_name(name: str) -> str:
    """The last part of a name with what no file system minds; HTTPException if nothing is left of it."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter if letter.isalnum() or letter in " ._-()" else "_" for letter in last).strip(" .")
    if not kept.strip("_"):
        raise HTTPException(422, f"{name[:80]!r} is no name for a file; rename it and try again")
    return kept[-120:]


async def received(request: Request, name: str, folder: Path) -> Path:
    """Write the body to `folder` under a free name like `name`, whole or not at all."""
    wanted = Path(safe_name(name))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".upload-")
    size = 0
    try:
        with os.fdopen(handle, "wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_UPLOAD:
                    raise HTTPException(
                        413, f"the file is larger than {MAX_UPLOAD // 1024**3} GiB; copy it to {folder}"
                    )
                file.write(chunk)
        path, number = folder / wanted, 2
        while path.exists():
            path, number = folder / f"{wanted.stem} {number}{wanted.suffix}", number + 1
        Path(temporary).rename(path)
        return path
    finally:
        Path(temporary).unlink(missing_ok=True)
