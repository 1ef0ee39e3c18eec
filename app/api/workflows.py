"""Workflows over HTTP: the document on opening, the answer to "may this wire be?", files in and out."""

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, JsonValue

from app.editor.catalogue import catalogue
from app.editor.open_workflow import OpenWorkflow
from app.editor.workspace import Workspace
from assets.files import FileRefused
from pipelines.diff import RecordsDiff
from pipelines.document import MAX_NODES, Document, DocumentError, Port, dumps
from pipelines.upgrades import upgraded

MAX_WORKFLOW = 64 * 1024 * 1024


class NewWorkflow(BaseModel):
    """content: the text of a workflow file; without it the workflow is empty."""

    name: str = Field(max_length=100)
    content: str | None = Field(default=None, max_length=MAX_WORKFLOW)


class Brought(BaseModel):
    """records: nodes, wires, layout and groups, as the clipboard has them."""

    records: dict[str, JsonValue] = Field(max_length=3 * MAX_NODES)


class Copy(BaseModel):
    name: str = Field(max_length=100)


def workflow_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api")

    def opened(name: str) -> OpenWorkflow:
        try:
            return workspace.open(name)
        except (DocumentError, FileRefused) as error:
            raise HTTPException(422, str(error)) from None

    @router.get("/nodes")
    def nodes() -> dict[str, Any]:
        return catalogue(workspace.library)

    @router.get("/workflows")
    async def names() -> list[str]:
        return workspace.names()

    @router.get("/workflows/{name}")
    async def snapshot(name: str) -> JSONResponse:
        return JSONResponse(opened(name).snapshot())

    @router.get("/workflows/{name}/why-not")
    async def why_not(name: str, source: str, target: str) -> dict[str, str | None]:
        workflow = opened(name)
        return {"reason": await asyncio.to_thread(workflow.why_not, port(source), port(target))}

    @router.get("/workflows/{name}/resize")
    async def resize(name: str, source: str, target: str) -> dict[str, Any] | None:
        """The resize that lets a refused wire be: {"into": [node, input], "width", "height"}; null where none does."""
        workflow = opened(name)
        found = await asyncio.to_thread(workflow.resizing, port(source), port(target))
        return found and found._asdict()

    @router.get("/workflows/{name}/mend")
    async def mend(name: str, node: str | None = None, source: str = "", target: str = "") -> dict[str, Any] | None:
        """What mends the error of a node, or lets a refused wire be, where a number is at fault; null where none does.

        {"label", "changes": [[node, setting, value]], "insert": null or {"type", "input", "output", "params", "into"}}
        """
        workflow = opened(name)
        if node is None:
            found = await asyncio.to_thread(workflow.mending_wire, port(source), port(target))
        else:
            found = await asyncio.to_thread(workflow.mending, node)
        if found is None:
            return None
        insert = found.insert and found.insert._asdict()
        return {"label": found.label, "changes": found.changes, "insert": insert}

    @router.get("/workflows/{name}/file")
    async def file(name: str) -> Response:
        text = dumps(opened(name).document)
        disposition = f"attachment; filename*=UTF-8''{quote(name)}.loom.json"
        return Response(text, media_type="application/json", headers={"Content-Disposition": disposition})

    @router.post("/workflows")
    async def create(new: NewWorkflow) -> dict[str, str]:
        try:
            if new.content is None:
                return {"name": workspace.create(new.name, Document())}
            return {"name": workspace.bring_in(new.name, new.content)}
        except (DocumentError, FileRefused) as error:
            raise HTTPException(422, str(error)) from None

    @router.post("/upgrades")
    async def up_to_date(brought: Brought) -> dict[str, Any]:
        """Records with the nodes of older versions as they are written now."""
        try:
            return upgraded(RecordsDiff.from_json({"added": brought.records}).added)
        except DocumentError as error:
            raise HTTPException(422, str(error)) from None

    @router.post("/workflows/{name}/copy")
    async def copy(name: str, wanted: Copy) -> dict[str, str]:
        try:
            return {"name": workspace.create(wanted.name, opened(name).document)}
        except FileRefused as error:
            raise HTTPException(422, str(error)) from None

    return router


def port(text: str) -> Port:
    """`node.name` as the end of a wire; node ids hold no dot."""
    node, dot, name = text.partition(".")
    if not dot:
        raise HTTPException(422, f"{text[:80]!r} names no port; it needs node.port")
    return Port(node, name)
