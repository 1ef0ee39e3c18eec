"""Presets over HTTP; every answer is all of them."""

from fastapi import APIRouter, HTTPException

from app.editor.workspace import Workspace
from app.presets import Kept, Named, Preset, PresetRefused, Presets


def preset_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api/presets")
    presets = Presets(workspace.settings.home)

    @router.get("")
    async def kept() -> Kept:
        try:
            return presets.all()
        except PresetRefused as error:
            raise HTTPException(422, str(error)) from None

    @router.put("")
    async def keep(preset: Preset) -> Kept:
        try:
            return presets.keep(preset)
        except PresetRefused as error:
            raise HTTPException(422, str(error)) from None

    @router.delete("")
    async def drop(named: Named) -> Kept:
        try:
            return presets.drop(named)
        except PresetRefused as error:
            raise HTTPException(422, str(error)) from None

    return router
