"""A running node's line to its run, as `nodes.context.Context` describes it."""

import importlib
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from assets.values import Clip, Latent, ModelHandle, Patches
from nodes.context import Cancelled
from pipelines.executors.resident import Models

PREVIEWS_PER_SECOND = 8


class RunContext:
    """device: torch device. is_cancelled: asked at every step. say: sends a message and bytes to the server."""

    def __init__(self, device: str, models: Models, is_cancelled: Callable[[], bool], say: Callable[..., None]) -> None:
        self._device = device
        self._models = models
        self._is_cancelled = is_cancelled
        self._say = say
        self._next_preview = 0.0

    @property
    def device(self) -> str:
        return self._device

    def steps(self, total: int) -> Iterator[int]:
        for step in range(total):
            self._stop_if_cancelled()
            yield step
            self._say({"say": "step", "step": step + 1, "total": total})
        self._stop_if_cancelled()

    def preview(self, value: Clip | Latent | Patches) -> None:
        if time.monotonic() < self._next_preview:
            return
        try:
            view = importlib.import_module("nodes.preview.views").view(value)
        except Exception:
            # A picture that cannot be drawn is no reason to lose the sampling; the log says why.
            traceback.print_exc()
        else:
            self._say({"say": "preview", "media_type": view.media_type, "caption": view.caption}, view.data)
        self._next_preview = time.monotonic() + 1 / PREVIEWS_PER_SECOND

    def model(self, handle: ModelHandle) -> Any:
        return self._models.get(handle)

    def _stop_if_cancelled(self) -> None:
        if self._is_cancelled():
            raise Cancelled
