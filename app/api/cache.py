"""What the store holds, over HTTP: seen, pinned, cleared and bounded."""

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from app.editor.workspace import Workspace
from app.settings import SettingsError, set_budgets
from assets.store import Action, BlobMissing


class Pin(BaseModel):
    pinned: bool


class Budget(BaseModel):
    """disk: a size like "20 GB"."""

    disk: str = Field(max_length=40)


def cache_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api/cache")
    store = workspace.store

    def named(start: str) -> Action:
        try:
            return store.named(start)
        except BlobMissing as missing:
            raise HTTPException(404, str(missing)) from None

    @router.get("")
    async def results(limit: int = Query(200, ge=1, le=10_000)) -> dict[str, Any]:
        """The results used last, with their bytes; times in seconds since 1970."""
        actions = await asyncio.to_thread(store.entries)
        latest = sorted(actions, key=lambda action: action.used, reverse=True)[:limit]
        size = await asyncio.to_thread(store.size)
        return {"bytes": size, "budget": store.budget, "count": len(actions), "results": list(map(shown, latest))}

    @router.post("/{name}/pin")
    async def pin(name: str, wish: Pin) -> dict[str, Any]:
        action = await asyncio.to_thread(named, name)
        await asyncio.to_thread(store.pin, action.key, wish.pinned)
        return shown(await asyncio.to_thread(named, action.key))

    @router.delete("/{name}")
    async def forget(name: str) -> dict[str, int]:
        action = await asyncio.to_thread(named, name)
        freed = await asyncio.to_thread(store.forget, action.key)
        return {"results": freed.entries, "bytes": freed.bytes}

    @router.delete("")
    async def clear() -> dict[str, int]:
        """Forget all that is not pinned."""
        freed = await asyncio.to_thread(store.clear)
        return {"results": freed.entries, "bytes": freed.bytes}

    @router.put("/budget")
    async def bound(wish: Budget) -> dict[str, int]:
        """Set the budget, here and in the settings, and bring the store within it."""
        try:
            budgets = await asyncio.to_thread(set_budgets, workspace.settings.home, {"cache_disk_bytes": wish.disk})
        except SettingsError as refusal:
            raise HTTPException(422, str(refusal)) from None
        store.budget = budgets.cache_disk_bytes
        freed = await asyncio.to_thread(store.trim)
        return {"budget": store.budget, "results": freed.entries, "bytes": freed.bytes}

    return router


def shown(action: Action) -> dict[str, Any]:
    return {
        "name": action.key,
        "node": action.node_type,
        "outputs": action.outputs,
        "seconds": action.seconds,
        "bytes": action.bytes,
        "created": action.created,
        "used": action.used,
        "pinned": action.pinned,
    }
