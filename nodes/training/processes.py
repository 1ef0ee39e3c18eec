"""Several processes that train one model: one a core or a device, with averaged gradients."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn


def run_together(worker: Callable[..., None], processes: int, *args: Any) -> None:
    """Call `worker(rank, processes, *args)` in each of `processes` processes; in this one if it is alone."""
    if processes == 1:
        worker(0, 1, *args)
        return
    with tempfile.TemporaryDirectory() as folder:
        spawn(_join, (processes, str(Path(folder) / "meet"), worker, args), processes)  # type: ignore[no-untyped-call]


def _join(rank: int, processes: int, meet: str, worker: Callable[..., None], args: tuple[Any, ...]) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)  # two OpenMP threads a process lose more at barriers than they gain on busy cores
    distributed.init_process_group("gloo", init_method=f"file://{meet}", rank=rank, world_size=processes)
    try:
        worker(rank, processes, *args)
    finally:
        distributed.destroy_process_group()


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes, in one message."""
    if not distributed.is_initialized():
        return
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    sizes = [gradient.numel() for gradient in gradients]
    for gradient, part in zip(gradients, torch.split(flat, sizes), strict=True):
        gradient.copy_(part.view_as(gradient))


def agree(value: int, *, rank: int) -> int:
    """The first process's value, in all of them."""
    if not distributed.is_initialized():
        return value
    message: Tensor = torch.tensor([value if rank == 0 else 0])
    distributed.broadcast(message, 0)
    return int(message)
