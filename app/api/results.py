"""Earlier results of a node over HTTP."""

import asyncio
from typing import Any

from fastapi import APIRouter

from app.api.queue import refusals
from app.editor.earlier import earlier_results
from app.editor.workspace import Workspace


def result_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api/workflows/{workflow}/results")

    @router.get("")
    async def of_node(workflow: str, node: str) -> list[dict[str, Any]]:
        """The last first. node: as it is called in a run."""
        with refusals():
            workspace.path(workflow)
            where = (workspace.queue.book, workspace.library, workspace.store, workspace.settings.files)
            return await asyncio.to_thread(earlier_results, node, workflow, *where)

    return router
