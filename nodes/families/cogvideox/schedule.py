"""CogVideoX's noise schedule as angles: what its DDIM and DPM schedulers step along (diffusers schedulers/)."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import CogVideoXDDIMScheduler
from torch import Tensor

from nodes.dit.objectives import shifted


class Schedule:
    """The levels of a model's 1000 timesteps: how far each turns from signal to noise, in right angles.

    Its SNR is shifted and ends at zero (Lin et al. 2024, alg. 1), so the last level is 1.
    """

    def __init__(self, scheduler: dict[str, Any]) -> None:
        kept = CogVideoXDDIMScheduler.from_config(scheduler).alphas_cumprod.double()
        self.angles = torch.atan2((1 - kept).sqrt(), kept.sqrt()) / (torch.pi / 2)
        self._between = (self.angles[1:] + self.angles[:-1]) / 2

    def levels(self, steps: int, shift: float) -> Tensor:
        """(steps + 1) levels, even in timesteps from the last one on, as "trailing" has them (Lin et al. 2024).

        The reference schedulers go by 1000 // steps at a time, so that where this leaves a rest they end short of
        clean; here every step ends where the next begins. shift: of the timesteps; 0 and 1 leave them even.
        """
        count = len(self.angles)
        even = 1 - torch.arange(steps, dtype=torch.float64) / steps
        places = (count * shifted(even, shift or 1)).round().long().clamp(min=1) - 1
        return torch.cat([self.angles[places], self.angles.new_zeros(1)])

    def timestep(self, level: Tensor) -> Tensor:
        """The timestep, a whole number, whose level is nearest: on its device, for which nothing waits."""
        return torch.bucketize(level.double(), self._on(level.device))

    def _on(self, device: torch.device) -> Tensor:
        if self._between.device != device:
            self._between = self._between.to(device)
        return self._between
