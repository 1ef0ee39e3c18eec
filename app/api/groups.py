"""Groups of the library over HTTP; every answer is all of them."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException

from app.editor.workspace import Workspace
from app.kept_groups import KeptGroup, KeptGroups, KeptName
from assets.files import FileRefused
from pipelines.document import DocumentError

Kept = list[dict[str, Any]]


def group_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api/groups")
    groups = KeptGroups(workspace.settings.home)

    def done(what: Callable[[], Kept]) -> Kept:
        try:
            return what()
        except (DocumentError, FileRefused, OSError) as error:
            raise HTTPException(422, str(error)) from None

    @router.get("")
    def kept() -> Kept:
        return groups.all()

    @router.put("")
    def keep(group: KeptGroup) -> Kept:
        return done(lambda: groups.keep(group))

    @router.delete("")
    def drop(named: KeptName) -> Kept:
        return done(lambda: groups.drop(named))

    return router
