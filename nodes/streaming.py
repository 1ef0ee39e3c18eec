"""Weights that stay in the host's memory and come to the device block by block: for models that it has no room for."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn


def size(module: nn.Module) -> int:
    """Bytes of all of a module's numbers."""
    return sum(tensor.nbytes for tensor in _tensors(module))


@dataclass(frozen=True, slots=True)
class Copy:
    """Numbers of the block at a place, on the device once `ready` has come to pass there."""

    place: int
    data: list[Tensor]
    ready: torch.cuda.Event | None


class Streamed:
    """A module on a device, but for the blocks of its lists of layers, which stay with the host; it makes the same.

    Each block comes before it is run and goes after. While one works, the next is copied beside it, from pinned memory
    in a stream of its own: the one that followed the last time, at first the next in order. Another that is run instead
    is waited for. So two are there at most.
    """

    def __init__(self, module: nn.Module, device: str) -> None:
        self._module, self._device = module, device
        self._side = torch.cuda.Stream(device) if device.startswith("cuda") else None  # type: ignore[no-untyped-call]
        blocks = repeated_blocks(module)
        self._tensors = [_tensors(block) for block in blocks]
        self._following = {place: (place + 1) % len(blocks) for place in range(len(blocks))}
        self._before: int | None = None
        self._coming: Copy | None = None
        self._going: Copy | None = None
        apart = {id(tensor) for tensors in self._tensors for tensor in tensors}
        for tensor in _tensors(module):
            if id(tensor) not in apart:
                tensor.data = tensor.data.to(device)
            elif self._side:
                with suppress(RuntimeError):  # the system may not let so much be pinned; then copies wait
                    tensor.data = tensor.data.pin_memory()
        self._host = [[tensor.data for tensor in tensors] for tensors in self._tensors]
        self._blocks = blocks
        _streamed.update(blocks)
        sizes = [size(block) for block in blocks]
        self.bytes = size(module) - sum(sizes) + 2 * max(sizes, default=0)
        """That it takes on the device at most."""
        self._hooks = [
            hook
            for place, block in enumerate(blocks)
            for hook in (
                block.register_forward_pre_hook(partial(self._bring, place)),
                block.register_forward_hook(partial(self._give_back, place), always_call=True),
            )
        ]

    def end(self) -> None:
        """Let the module be an ordinary one, in the host's memory."""
        for hook in self._hooks:
            hook.remove()
        _streamed.difference_update(self._blocks)
        if self._side:
            torch.cuda.synchronize(self._device)
        self._coming = self._going = None
        self._module.to("cpu")

    def _bring(self, place: int, *_: Any) -> None:
        if self._before is not None:
            self._following[self._before] = place
        self._before = place
        coming, self._coming = self._coming, None
        if coming is None or coming.place != place:
            del coming  # first, as there is no room for three
            coming = self._copied(place)
        if coming.ready:
            torch.cuda.current_stream(self._device).wait_event(coming.ready)
        for tensor, data in zip(self._tensors[place], coming.data, strict=True):
            tensor.data = data

    def _give_back(self, place: int, *_: Any) -> None:
        there = [tensor.data for tensor in self._tensors[place]]
        for tensor, data in zip(self._tensors[place], self._host[place], strict=True):
            tensor.data = data
        # The device is still at this block, but is to be done with the one before it when its memory is used again.
        if self._going and self._going.ready:
            self._going.ready.synchronize()
        self._going = Copy(place, there, torch.cuda.current_stream(self._device).record_event() if self._side else None)
        with suppress(torch.OutOfMemoryError):  # it comes when it is run, then
            self._coming = self._copied(self._following[place])

    def _copied(self, place: int) -> Copy:
        """Begin to copy a block; nothing waits for it here."""
        with torch.cuda.stream(self._side) if self._side else nullcontext():
            data = [data.to(self._device, non_blocking=True, copy=True) for data in self._host[place]]
            return Copy(place, data, self._side.record_event() if self._side else None)


_streamed = WeakSet[nn.Module]()


def is_streamed(module: nn.Module) -> bool:
    """Whether some of its weights are on the device only while the block works that they are of."""
    return any(each in _streamed for each in module.modules())


def repeated_blocks(module: nn.Module, alike: bool = False) -> list[nn.Module]:
    """The layers of each list in a module, the lists within them aside. alike: of lists of one kind of layer only."""
    found: list[nn.Module] = []
    for child in module.children():
        if isinstance(child, nn.ModuleList) and len(child) > 1 and not (alike and len(set(map(type, child))) > 1):
            found += child
        else:
            found += repeated_blocks(child, alike)
    return found


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
