"""Schedules of noise levels that families share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nodes.dit.objectives import shifted

THRESHOLD = 0.025


def linear_quadratic(steps: int) -> Tensor:
    """Levels (steps + 1) from 1 to 0, float64: the first half of the steps takes away 0.025 in all, evenly.

    From there the steps grow, at first as they were: a square is added to the line (Movie Gen, Polyak et al. 2024,
    section 3.4.2; diffusers `linear_quadratic_schedule` in pipelines/mochi and pipelines/ltx).
    """
    if steps == 1:
        return torch.tensor([1.0, 0.0], dtype=torch.float64)
    half = steps // 2
    step = torch.arange(steps + 1, dtype=torch.float64)
    line = THRESHOLD / half * step
    square = ((step - half).clamp(min=0) / (steps - half)) ** 2
    return 1 - line - (1 - line[-1]) * square


def unipc_levels(steps: int, shift: float) -> Tensor:
    """Levels (steps + 1) to 0, float64, as diffusers' UniPCMultistepScheduler has them with `use_flow_sigmas`.

    They begin just below 1, since its logarithms need a signal, and are shifted (Esser et al. 2024, eq. 23).
    """
    even = torch.as_tensor(np.linspace(1, 1e-3, steps + 1)[:-1])
    levels = shifted(even, shift)
    levels[0] -= 1e-6
    return torch.cat([levels, levels.new_zeros(1)])


def whole_timesteps(levels: Tensor) -> Tensor:
    """The timesteps of 1000 that levels stand for, whole numbers as in that scheduler; rounding does not count."""
    return torch.floor(1000 * levels + 1e-3)
