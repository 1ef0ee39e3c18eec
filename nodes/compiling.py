"""The blocks of a DiT compiled for the device: the same but for rounding, and faster after a wait at the first run."""

import torch
from torch import nn

from nodes.streaming import repeated_blocks


def compile_blocks(module: nn.Module, backend: str) -> None:
    """Compile each block at its first run: once for all that are alike, and for clips of every size.

    Where the machine cannot (no C++ compiler, no Triton), the blocks run as they are, and the log says why.
    backend: of torch.compile. ValueError where it has none of that name.
    """
    if backend not in (known := torch.compiler.list_backends(exclude_tags=())):
        raise ValueError(
            f"Got {backend!r} to compile models by; needs one of {', '.join(known)}. It is named by PATCHLOOM_COMPILE."
        )
    torch._dynamo.config.suppress_errors = True
    for block in repeated_blocks(module):
        block.compile(dynamic=True, backend=backend)


def seconds_compiling() -> float:
    """What this process has spent on compiling so far."""
    spent: float = torch._dynamo.utils.calculate_time_spent().get("entire_frame_compile", 0.0)
    return spent
