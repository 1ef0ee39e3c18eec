"""What the store holds, over HTTP: seen, pinned, cleared and bounded."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from app.editor.made_in import made_in
from app.editor.workspace import Workspace
from app.settings import SettingsError, set_budgets
from assets.store import Action, BlobMissing

Order = Literal["used", "created", "bytes", "seconds"]
Size = Annotated[str, Field(max_length=40)]


class Pin(BaseModel):
    pinned: bool


class Budget(BaseModel):
    """Sizes like "20 GB"; None: as it is."""

    disk: Size | None = None
    ram: Size | None = None


def cache_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api/cache")
    store = workspace.store

    def named(start: str) -> Action:
        try:
            return store.named(start)
        except BlobMissing as missing:
            raise HTTPException(404, str(missing)) from None

    @router.get("")
    async def results(limit: Annotated[int, Query(ge=1, le=10_000)] = 200, order: Order = "used") -> dict[str, Any]:
        """The results that come first in an order, most first, and what each tier holds; seconds are since 1970."""
        actions = await asyncio.to_thread(store.entries)
        first = sorted(actions, key=lambda action: getattr(action, order), reverse=True)[:limit]
        makers = made_in(workspace.opened.values())
        size = await asyncio.to_thread(store.size)
        pinned = [action for action in actions if action.pinned]
        return {
            "bytes": size,
            "budget": store.budget,
            "memory": workspace.executor.memory(),
            "count": len(actions),
            "pinned": len(pinned),
            "results": [shown(action) | made(action, makers) for action in first],
        }

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

    @router.post("/verify")
    async def verify() -> dict[str, int]:
        """Read everything; what is damaged is deleted, so that it is made again when it is needed."""
        return {"damaged": len(await asyncio.to_thread(store.verify))}

    @router.put("/budget")
    async def bound(wish: Budget) -> dict[str, int]:
        """Set budgets, here and in the settings, and bring the store and the worker within them."""
        sizes = {"cache_disk_bytes": wish.disk, "cache_ram_bytes": wish.ram}
        changes = {name: size for name, size in sizes.items() if size is not None}
        try:
            budgets = await asyncio.to_thread(set_budgets, workspace.settings.home, changes)
        except SettingsError as refusal:
            raise HTTPException(422, str(refusal)) from None
        store.budget = budgets.cache_disk_bytes
        workspace.executor.bound(budgets.cache_ram_bytes)
        freed = await asyncio.to_thread(store.trim)
        return {"budget": store.budget, "ram": budgets.cache_ram_bytes, "results": freed.entries, "bytes": freed.bytes}

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


def made(action: Action, makers: dict[str, dict[str, str | None]]) -> dict[str, Any]:
    """Where an open workflow shows one of its outputs."""
    found = next((makers[digest] for digest in action.outputs.values() if digest in makers), {})
    return {"workflow": found.get("workflow"), "title": found.get("title")}
