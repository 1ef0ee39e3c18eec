"""Lossy: the steps of diffusers' transformers in which most blocks are left out, see `nodes.dit.skipping`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from nodes.dit.skipping import Part

Blocks = Sequence[nn.Module]


@contextmanager
def skipping(blocks: Blocks, part: Part) -> Iterator[None]:
    """Within, the network that has these blocks, in order, runs the first always and the others as `part` says.

    What it looks at is what the first adds to the tokens. Each forward within is another branch of guidance.
    """
    shown, before = _Forwards(blocks, part), [block.__dict__.get("forward") for block in blocks]
    for place, block in enumerate(blocks):
        block.forward = shown.instead(place, block.forward)
    try:
        yield
    finally:
        for block, compiled in zip(blocks, before, strict=True):
            del block.forward
            if compiled:
                block.forward = compiled


class _Forwards:
    """What the blocks do instead."""

    def __init__(self, blocks: Blocks, part: Part) -> None:
        self._last = len(blocks) - 1
        self._part = part
        self._branch = -1
        self._skips = False
        self._after_first: Tensor

    def instead(self, place: int, forward: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            names = ("hidden_states", "encoder_hidden_states")
            tokens, text = (kwargs[name] if name in kwargs else args[i] for i, name in enumerate(names))
            if self._skips and place == self._last:
                made: Any = self._after_first + self._part.added[self._branch]
            elif self._skips and place:
                made = tokens
            else:
                made = forward(*args, **kwargs)
                alone = made[0] if isinstance(made, tuple) else made
                self._see(place, tokens, alone)
                self._pairs = isinstance(made, tuple)
                return made
            return (made, text) if self._pairs else made

        return run

    def _see(self, place: int, before: Tensor, after: Tensor) -> None:
        if place == 0:
            self._branch += 1
            self._after_first = after
            self._skips = self._part.skip(after - before, self._branch)
        elif place == self._last:
            self._part.added[self._branch] = after - self._after_first
