"""Attention without a mask, for networks that build one where nothing is hidden: fast kernels take none. Exact."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from torch import nn

MASK = "attention_mask"


def unmasked(blocks: Sequence[nn.Module]) -> None:
    """Have blocks look at all rows, whatever mask they are given: for callers that pass no padding."""
    for block in blocks:
        place = list(inspect.signature(block.forward).parameters).index(MASK)
        block.register_forward_pre_hook(_Without(place), with_kwargs=True)


class _Without:
    def __init__(self, place: int) -> None:
        self._place = place

    def __call__(
        self, block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if len(args) > self._place:
            args = (*args[: self._place], None, *args[self._place + 1 :])
        return args, {name: None if name == MASK else value for name, value in kwargs.items()}
