"""What makes a step faster on a CUDA device and loses nothing: on by default, each named beside the result."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from nodes.graphs import FEW_TOKENS, Predict, Replayed
from nodes.out_of_memory import first_line, out_of_memory

WITHOUT = "PATCHLOOM_WITHOUT"
"""Of the environment: which of LEVERS are to be off, by commas."""
LEVERS = ("attention", "graphs")
KERNELS = {
    SDPBackend.CUDNN_ATTENTION: "cuDNN",
    SDPBackend.FLASH_ATTENTION: "FlashAttention",
    SDPBackend.EFFICIENT_ATTENTION: "memory-efficient",
    SDPBackend.MATH: "plain",
}
HOPPER = (9, 0)
"""From this generation on cuDNN's kernels are the faster ones."""


def wanted(lever: str) -> bool:
    """Whether a lever is not turned off; ValueError where the environment names one that there is not."""
    off = [name.strip() for name in os.environ.get(WITHOUT, "").split(",") if name.strip()]
    if wrong := [name for name in off if name not in LEVERS]:
        raise ValueError(f"{WITHOUT} names {', '.join(wrong)}; it needs some of {', '.join(LEVERS)}, by commas.")
    return lever not in off


def kernels(capability: tuple[int, int]) -> list[SDPBackend]:
    """Attention's kernels in the order that they are tried in, on a device of this generation."""
    first = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION]
    fast = first if capability >= HOPPER else first[::-1]
    return [*fast, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class Levered:
    """A prediction made with the levers of a device.

    alike: whether each step does the same but for its tokens and levels, so that it may be recorded. Kernels that fail
    at a first step are not tried again.
    """

    def __init__(self, predict: Predict, device: str, alike: bool) -> None:
        self._predict, self._replayed = predict, None
        self._order: list[SDPBackend] = []
        self._works = False
        self._failed: list[str] = []
        if device.startswith("cuda"):
            if wanted("attention"):
                self._order = kernels(torch.cuda.get_device_capability(device))
            if alike and wanted("graphs"):
                self._replayed = Replayed(predict)

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        graphed = self._replayed if self._replayed and t.is_cuda and x.shape[1] <= FEW_TOKENS else self._predict
        while True:
            try:
                with _in_order(self._order):
                    made = graphed(x, t)
            except RuntimeError as error:
                if self._works or len(self._order) < 2 or out_of_memory(error):
                    raise
                self._failed.append(f"attention not by {KERNELS[self._order.pop(0)]}: {first_line(error)}")
            else:
                self._works = True
                return made

    def __str__(self) -> str:
        """Those that were on, and why one that was to be was not; "" for none."""
        said = [*self._failed, *([f"attention by {KERNELS[self._order[0]]} where it can"] if self._order else [])]
        if self._replayed:
            said += [self._replayed.failed] if self._replayed.failed else ["CUDA graph"] * self._replayed.plays
        return ", ".join(said)


@contextmanager
def _in_order(order: Sequence[SDPBackend]) -> Iterator[None]:
    if not order:
        yield
        return
    with sdpa_kernel(list(order), set_priority=True):
        yield
