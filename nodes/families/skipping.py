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
    shown, compiled = _Forwards(blocks, part), [block._compiled_call_impl for block in blocks]
    for place, block in enumerate(blocks):
        block.forward = shown.instead(place, _as_before(block, block.forward))
        block._compiled_call_impl = None
    try:
        yield
    finally:
        for block, call in zip(blocks, compiled, strict=True):
            block._compiled_call_impl = call
            del block.forward


def _as_before(block: nn.Module, forward: Any) -> Any:
    """A block's forward; that of a compiled block is compiled along with what calls it, as it was."""
    call = block._compiled_call_impl
    if call is None:
        return forward

    def run(*args: Any, **kwargs: Any) -> Any:
        instead = block.__dict__.pop("forward")
        try:
            return call(*args, **kwargs)
        finally:
            block.forward = instead

    return run


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
