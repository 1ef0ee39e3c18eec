"""Schedules of noise levels that families share."""

from __future__ import annotations

import torch
from torch import Tensor

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
