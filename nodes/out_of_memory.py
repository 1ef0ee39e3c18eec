"""When there is not enough memory for a whole, its pieces may still fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

M = TypeVar("M")


def out_of_memory(error: BaseException) -> bool:
    """Python, numpy and torch each say it in their own way, and torch in another one for each device."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and bool(re.search("can't allocate memory|out of memory", str(error)))


def first_line(error: BaseException) -> str:
    """What an error says, without the pages that may follow."""
    return str(error).strip().partition("\n")[0][:200]


def joined_or_apart(
    work: Callable[[Tensor, M | None], tuple[Tensor, M]], pieces: Sequence[Tensor], memory: M | None
) -> tuple[Tensor, M]:
    """What a causal model makes of pieces along the time, and its memory after them.

    All at once, or, where there is no memory for that, one after the other: the same, to rounding. work: given frames
    (b c t h w) and the memory before them. What a single piece has no memory for is raised.
    """
    import torch

    try:
        return work(torch.cat(list(pieces), dim=2), memory)
    except Exception as error:
        if len(pieces) == 1 or not out_of_memory(error):
            raise
    # Only here, past the error, are the tensors free that its traceback held.
    made = []
    for piece in pieces:
        part, memory = work(piece, memory)
        made.append(part)
    assert memory is not None
    return torch.cat(made, dim=2), memory
