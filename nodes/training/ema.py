"""An exponential moving average of a module's weights: what is shipped."""

from __future__ import annotations

import copy

import torch
from torch import nn


class EMA:
    """Keeps `module` (a copy) near the mean of the last 1 / (1 - decay) steps; follows faster in the first ones."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        rate = 1 - min(self.decay, (1 + step) / (10 + step))
        for ours, theirs in zip(self.module.parameters(), module.parameters(), strict=True):
            ours.lerp_(theirs, rate)
