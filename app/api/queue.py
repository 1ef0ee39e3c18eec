"""The queue, the history and sweeps over HTTP."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from app.contact_sheet import sheet_of
from app.editor.workspace import Workspace
from assets.files import FileRefused
from assets.media import encode_clip
from pipelines.document import Document, DocumentError, dumps
from pipelines.queue.book import RunUnknown
from pipelines.sweep import MOST_CELLS, SweepError, axis, grid, seeds

Axes = list[str]


class NewRun(BaseModel):
    """A run of the workflow of that name. targets: node ids; without them all. count: runs, with a seed each."""

    workflow: str = Field(max_length=100)
    targets: list[str] | None = Field(default=None, max_length=10_000)
    count: int = Field(default=1, ge=1, le=MOST_CELLS)
    first: bool = False


class NewSweep(BaseModel):
    """over: axes as `pipelines.sweep.axis` reads them, e.g. "sample.seed=1,2,3"; the last goes across."""

    workflow: str = Field(max_length=100)
    over: Axes = Field(min_length=1, max_length=6)


class Move(BaseModel):
    """before: a run that waits; None: to the end."""

    before: str | None = None


class Reopen(BaseModel):
    name: str | None = Field(default=None, max_length=100)


def queue_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api")
    queue, book = workspace.queue, workspace.queue.book

    def document(name: str) -> Document:
        return workspace.open(name).document

    @router.get("/workflows/{name}/forecast")
    async def forecast(name: str) -> dict[str, Any]:
        with refusals():
            foreseen = await asyncio.to_thread(queue.forecaster.forecast, document(name))
            return foreseen.to_json() | {"nodes": {node: each._asdict() for node, each in foreseen.nodes.items()}}

    @router.get("/queue")
    async def waiting() -> dict[str, Any]:
        shown: dict[str, Any] = workspace.feed.message()["queue"]
        return shown

    @router.post("/queue")
    async def add(new: NewRun) -> dict[str, list[str]]:
        with refusals():
            variants = seeds(document(new.workflow), workspace.library, new.count, new.targets)
            return {"runs": [run.id for run in queue.add_batch(new.workflow, variants, new.targets, first=new.first)]}

    @router.post("/queue/{run}/cancel")
    async def cancel(run: str) -> dict[str, str]:
        with refusals():
            queue.cancel(run)
            return {"state": book.get(run).state}

    @router.post("/queue/{run}/move")
    async def move(run: str, to: Move) -> None:
        with refusals():
            queue.move(run, to.before)

    @router.get("/history")
    async def history(limit: int = 50, before: float | None = None) -> list[dict[str, Any]]:
        return [run.to_json() for run in book.history(min(max(1, limit), 200), before)]

    @router.get("/history/{run}")
    async def one(run: str) -> dict[str, Any]:
        with refusals():
            found = book.get(run)
            return found.to_json() | {"result": found.result}

    @router.get("/history/{run}/file")
    async def file(run: str) -> Response:
        with refusals():
            text, name = dumps(book.document(run)), book.get(run).workflow
        disposition = f"attachment; filename*=UTF-8''{quote(name)}.loom.json"
        return Response(text, media_type="application/json", headers={"Content-Disposition": disposition})

    @router.post("/history/{run}/open")
    async def reopen(run: str, wanted: Reopen) -> dict[str, str]:
        with refusals():
            found = book.get(run)
            name = wanted.name or " ".join(filter(None, (found.workflow, found.label)))[:90]
            return {"name": workspace.create(name, book.document(run))}

    @router.delete("/history/{run}")
    async def forget(run: str) -> None:
        with refusals():
            book.forget(run)
            workspace.feed.changed()

    @router.post("/sweeps")
    async def sweep(new: NewSweep) -> dict[str, Any]:
        with refusals():
            swept = document(new.workflow)
            axes = [axis(text, swept, workspace.library) for text in new.over]
            return {"sweep": queue.add_sweep(new.workflow, axes, grid(swept, axes, workspace.library))}

    @router.get("/sweeps/{sweep}")
    async def cells(sweep: str) -> dict[str, Any]:
        with refusals():
            name, axes = book.sweep(sweep)
            return {"workflow": name, "axes": axes, "cells": [run.to_json() for run in book.cells(sweep)]}

    @router.get("/sweeps/{sweep}/sheet.{ending}")
    async def sheet(sweep: str, ending: str) -> Response:
        if ending not in SHEETS:
            raise HTTPException(404, f"a sheet comes as {' or '.join(SHEETS)}, not as {ending[:20]!r}")
        with refusals():
            made = await asyncio.to_thread(sheet_of, book, workspace.store, sweep, still=ending == "png")
            return Response(await asyncio.to_thread(encode_clip, made, ending), media_type=SHEETS[ending])

    return router


SHEETS = {"png": "image/png", "mp4": "video/mp4", "webp": "image/webp"}


@contextmanager
def refusals() -> Iterator[None]:
    """What is refused inside is answered with its sentence."""
    try:
        yield
    except RunUnknown as unknown:
        raise HTTPException(404, str(unknown)) from None
    except (DocumentError, FileRefused, SweepError, ValueError) as refused:
        raise HTTPException(422, str(refused)) from None
