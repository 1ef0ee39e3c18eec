"""Weights that stay in the host's memory and come to the device block by block: for models that it has no room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


def size(module: nn.Module) -> int:
    """Bytes of all of a module's numbers."""
    return sum(tensor.nbytes for tensor in _tensors(module))


def stream(module: nn.Module, device: str) -> int:
    """Move a module to a device, but for the blocks of its lists of layers: each comes when it is run, and goes after.

    Returns how many bytes it takes there at most. It makes the same numbers, and waits for its weights at each block.
    """
    blocks = _blocks(module)
    apart = {id(tensor) for block in blocks for tensor in _tensors(block)}
    for tensor in _tensors(module):
        if id(tensor) not in apart:
            tensor.data = tensor.data.to(device)
    for block in blocks:
        bring, give_back = _turns(block, device)
        block.register_forward_pre_hook(bring)
        block.register_forward_hook(give_back, always_call=True)
    sizes = [size(block) for block in blocks]
    return size(module) - sum(sizes) + max(sizes, default=0)


def _turns(block: nn.Module, device: str) -> tuple[Callable[..., None], Callable[..., None]]:
    host = [(tensor, tensor.data.pin_memory() if device.startswith("cuda") else tensor.data)
            for tensor in _tensors(block)]  # fmt: skip

    def bring(*_: Any) -> None:
        for tensor, data in host:
            tensor.data = data.to(device, non_blocking=True, copy=True)

    def give_back(*_: Any) -> None:
        for tensor, data in host:
            tensor.data = data

    give_back()
    return bring, give_back


def _blocks(module: nn.Module) -> list[nn.Module]:
    """The layers of each list in a module, the lists within them aside."""
    found: list[nn.Module] = []
    for child in module.children():
        if isinstance(child, nn.ModuleList) and len(child) > 1:
            found += child
        else:
            found += _blocks(child)
    return found


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
