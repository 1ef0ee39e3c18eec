"""The versions of a workflow over HTTP: which there are and what changed in each, one of them whole, names."""

import asyncio
from itertools import pairwise
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from app.api.queue import refusals
from app.editor.change_words import in_words
from app.editor.versions import Version, VersionUnknown
from app.editor.workspace import Workspace

LISTED = 200


class Name(BaseModel):
    """name: "" for none."""

    name: str = Field(default="", max_length=100)


def version_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api/workflows/{workflow}/versions")
    versions = workspace.past.versions
    # What changed between two contents is worked out once.
    said: dict[tuple[str, str], str] = {}

    def changed(older: Version, newer: Version) -> str:
        pair = (older.digest, newer.digest)
        if pair not in said:
            before, after = (versions.document(version.digest) for version in (older, newer))
            said[pair] = in_words(before, after, workspace.library)
        return said[pair]

    def listed(workflow: str) -> list[dict[str, Any]]:
        found = versions.all(workflow)[: LISTED + 1]
        words = [changed(older, newer) for newer, older in pairwise(found)]
        return [
            version.to_json() | {"changed": change}
            for version, change in zip(found[:LISTED], [*words, ""], strict=False)
        ]

    @router.get("")
    async def all_of(workflow: str) -> list[dict[str, Any]]:
        """The last first. changed: since the one before, in words."""
        with refusals():
            await workspace.open(workflow).settle()
            try:
                return await asyncio.to_thread(listed, workflow)
            except VersionUnknown:
                # Thinned out while they were compared.
                return await asyncio.to_thread(listed, workflow)

    @router.get("/edits")
    async def edits(workflow: str, user: str) -> dict[str, Any]:
        """What a person can undo and redo: {"labels": the oldest first, "done": how many are made}."""
        with refusals():
            return workspace.open(workflow).history.labels(user)

    @router.get("/{version}")
    async def one(workflow: str, version: int) -> dict[str, Any]:
        with refusals():
            found = known(workflow, version)
            return found.to_json() | {"records": dict(versions.document(found.digest).records)}

    @router.post("")
    async def keep(workflow: str, wanted: Name) -> dict[str, Any]:
        """Keep the workflow as it is now."""
        with refusals():
            opened = workspace.open(workflow)
            await opened.settle()
            made = await asyncio.to_thread(versions.keep, workflow, opened.document, "saved", wanted.name)
            return made.to_json()

    @router.put("/{version}")
    async def rename(workflow: str, version: int, wanted: Name) -> None:
        known(workflow, version)
        await asyncio.to_thread(versions.rename, workflow, version, wanted.name)

    def known(workflow: str, version: int) -> Version:
        try:
            return versions.get(workflow, version)
        except VersionUnknown as unknown:
            raise HTTPException(404, str(unknown)) from None

    return router
