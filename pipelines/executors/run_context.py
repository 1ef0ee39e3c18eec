"""A running node's line to its run, as `nodes.context.Context` describes it."""

import importlib
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from assets.store import Partial
from assets.values import Clip, Latent, ModelHandle, Patches
from assets.values.array import Array
from nodes.api import Seat
from nodes.context import Cancelled
from pipelines.executors.models import Models

PREVIEWS_PER_SECOND = 8
# Of the time, that may go to drawing previews: a long clip of a large size takes a second to draw.
PREVIEW_SHARE = 0.2
STEPS_PER_SECOND = 20


class RunContext:
    """device: torch device. partial: where the node's own steps are kept. is_cancelled: asked at every step.

    say: sends a message and bytes to the server. earlier: steps that another result began with, see `GoesOn`.
    seat: among those that compute together, see `Together`. work: bytes that the node's work through a model takes.
    reused: {"reused", "total"} steps, if any were not taken anew. short_of_memory: all memory that can be made free is.
    note: what was lost for want of it. memory: where the weights that it worked with were, and why.
    """

    def __init__(
        self,
        device: str,
        models: Models,
        partial: Partial,
        is_cancelled: Callable[[], bool],
        say: Callable[..., None],
        earlier: Callable[[], list[dict[str, Array]]] = list,
        seat: Seat | None = None,
        work: Callable[[ModelHandle], int | None] = lambda handle: None,
    ) -> None:
        self._device = device
        self._models = models
        self._partial = partial
        self._is_cancelled = is_cancelled
        self._say = say
        self._earlier = earlier
        self._seat = seat
        self._work = work
        self._unwritten: list[dict[str, Array]] = []
        self.reused: dict[str, int] = {}
        self.short_of_memory = False
        self.note: str | None = None
        self.memory: str | None = None
        self._levers: dict[str, None] = {}
        self._used: list[ModelHandle] = []
        self._next_preview = 0.0
        self._next_step = 0.0

    @property
    def device(self) -> str:
        return self._device

    def steps(self, total: int, done: int = 0) -> Iterator[int]:
        if done:
            self.reused = {"reused": done, "total": total}
        for step in range(done, total):
            self.stop_if_cancelled()
            yield step
            self._say_step(step + 1, total)
        self.stop_if_cancelled()

    def preview(self, value: Clip | Latent | Patches) -> None:
        began = time.monotonic()
        if began < self._next_preview:
            return
        try:
            view = importlib.import_module("nodes.preview.views").view(value)
        except Exception:
            # A picture that cannot be drawn is no reason to lose the sampling; the log says why.
            traceback.print_exc()
        else:
            self._say("preview", {"media_type": view.media_type, "caption": view.caption}, view.data)
        took = time.monotonic() - began
        self._next_preview = began + max(1 / PREVIEWS_PER_SECOND, took / PREVIEW_SHARE)

    def model(self, handle: ModelHandle) -> Any:
        module = self._models.get(handle, self._work(handle))
        plan = self._models.plan(handle)
        if plan:
            self.memory = str(plan)
        self._used.append(handle)
        return self._seat.at(module) if self._seat else module

    def levers(self, said: str) -> None:
        self._levers[said] = None

    @property
    def how(self) -> str:
        """How the node's work was done: where the weights were, and what made it faster."""
        compiled = (self._models.compiled(handle) for handle in self._used)
        return "; ".join(filter(None, dict.fromkeys([self.memory, *compiled, *self._levers])))

    def kept(self) -> list[dict[str, Array]]:
        own = self._partial.all("torch")
        self._unwritten = self._earlier()[len(own) :]
        return own + self._unwritten

    def keep(self, state: Mapping[str, Array]) -> None:
        try:
            # Steps are kept in order: those before this one that lie elsewhere come first.
            for earlier in self._unwritten:
                self._partial.append(earlier)
            self._unwritten = []
            self._partial.append(dict(state))
        except OSError:
            # A full disk costs the way back to this step, not the sampling; the log says why.
            traceback.print_exc()

    def makes_do(self, note: str) -> bool:
        if self.short_of_memory:
            self.note = note
        return self.short_of_memory

    def stop_if_cancelled(self) -> None:
        if self._is_cancelled():
            raise Cancelled

    def _say_step(self, step: int, total: int) -> None:
        """Often enough for a bar that moves; the first and the last in any case."""
        if step in (1, total) or time.monotonic() >= self._next_step:
            self._say("step", {"step": step, "total": total})
            self._next_step = time.monotonic() + 1 / STEPS_PER_SECOND
