"""The models on this machine, over HTTP: listed for the pickers, and more of them when the person asks."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from app.hub import HubRefused, look_up
from app.model_shelf import ModelShelf


class Folder(BaseModel):
    path: str = Field(max_length=4096)


class Repository(BaseModel):
    name: str = Field(max_length=200)


def model_routes(shelf: ModelShelf) -> APIRouter:
    router = APIRouter(prefix="/api/models")

    @router.get("")
    async def models() -> dict[str, Any]:
        return shelf.shown()

    @router.post("/look")
    async def look() -> dict[str, Any]:
        """Scan the folders again."""
        shelf.look()
        return shelf.shown()

    @router.post("/folders")
    async def add(folder: Folder) -> dict[str, Any]:
        try:
            await asyncio.to_thread(shelf.add, Path(folder.path).expanduser())
        except (HubRefused, OSError, ValueError) as refused:
            raise HTTPException(422, str(refused)) from None
        return shelf.shown()

    @router.post("/folders/drop")
    async def drop(folder: Folder) -> dict[str, Any]:
        await asyncio.to_thread(shelf.drop, folder.path)
        return shelf.shown()

    @router.post("/offer")
    async def offer(repository: Repository) -> dict[str, Any]:
        """What a download would bring: the one request to the hub before the person says yes."""
        try:
            found = await asyncio.to_thread(look_up, repository.name)
        except HubRefused as refused:
            raise HTTPException(422, str(refused)) from None
        return {"repository": found.repository, "licence": found.licence, "bytes": found.bytes}

    @router.post("/download")
    async def download(repository: Repository) -> dict[str, Any]:
        try:
            return asdict(await asyncio.to_thread(shelf.fetch, repository.name))
        except HubRefused as refused:
            raise HTTPException(422, str(refused)) from None

    return router
