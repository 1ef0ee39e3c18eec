"""What a running node may ask of whoever runs it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from assets.values import Clip, Latent, ModelHandle, Patches
from assets.values.array import Array


class Cancelled(BaseException):
    """Raised inside a node when its run was cancelled; nothing of it is cached. Nodes let it pass."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """The workflow that is run, as the text of its file, for nodes that leave a file which can be made again from it.

    Empty where a node runs by itself. No part of a node's key: a file keeps the workflow that it was first made by.
    """

    text: str = ""


class Context(Protocol):
    """A node's line to its run: progress, cancellation, previews, resident models."""

    @property
    def device(self) -> str:
        """torch device that tensors and models are to live on, e.g. "cpu" or "cuda:0"."""

    def steps(self, total: int, done: int = 0) -> Iterator[int]:
        """Count done .. total - 1, reporting each step as done when the next is asked for; raises Cancelled.

        done: steps that were `kept` and are not taken again.
        """

    def preview(self, value: Clip | Latent | Patches) -> None:
        """Show a value that is still taking shape. Cheap to call at every step: it is throttled."""

    def model(self, handle: ModelHandle) -> Any:
        """The loaded module of a handle, resident in this process and on `device`, in eval mode."""

    def keep(self, state: Mapping[str, Array]) -> None:
        """Keep the state after one step beside the store, so that an interrupted node need not begin anew."""

    def kept(self) -> list[dict[str, Array]]:
        """What this computation kept before it was interrupted, or took when it was to go less far (see `GoesOn`).

        As torch tensors, in order; empty if there is nothing.
        """

    def makes_do(self, note: str) -> bool:
        """Whether there is no more memory to be had, so that the node may lose something to do with what there is.

        note: a sentence that says so, to be shown beside the result.
        """

    def levers(self, said: str) -> None:
        """Name what made the work faster and lost nothing, or why that could not be, to be shown beside the result."""
