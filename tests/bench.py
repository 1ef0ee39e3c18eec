"""A context to run nodes with, outside of any app."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from assets.values import Clip, Latent, ModelHandle, Patches
from nodes.context import Cancelled
from nodes.models import load


@dataclass
class Bench:
    """A context that remembers what a node shows, keeps and counts its steps, and can break off before one."""

    device: str = "cpu"
    seen: list[Clip | Latent | Patches] = field(default_factory=list)
    done: int = 0
    stop_at: int | None = None
    steps_kept: list[dict[str, Any]] = field(default_factory=list)
    kept_before: list[dict[str, Any]] = field(default_factory=list)
    short_of_memory: bool = False
    notes: list[str] = field(default_factory=list)
    levers_said: list[str] = field(default_factory=list)

    def steps(self, total: int, done: int = 0) -> Iterator[int]:
        for step in range(done, total):
            if step == self.stop_at:
                raise Cancelled
            yield step
            self.done += 1

    def keep(self, state: Mapping[str, Any]) -> None:
        self.steps_kept.append(dict(state))

    def kept(self) -> list[dict[str, Any]]:
        return self.kept_before

    def preview(self, value: Clip | Latent | Patches) -> None:
        self.seen.append(value)

    def makes_do(self, note: str) -> bool:
        if self.short_of_memory:
            self.notes.append(note)
        return self.short_of_memory

    def levers(self, said: str) -> None:
        self.levers_said.append(said)

    def model(self, handle: ModelHandle) -> Any:
        return loaded(handle)


@cache
def loaded(handle: ModelHandle) -> Any:
    return load(handle, "cpu")
