"""The learning rate's course, tied to steps and never to the clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Warm up, hold, then fall in a straight line to zero at `steps` (Hägele et al. 2024: warm-up, stable, decay).

    The fall may begin at any step, so a run can end early: see `fall_now`.
    """

    steps: int
    warm_up: int = 100
    cooldown: int = 500

    def factor(self, step: int) -> float:
        """What the peak learning rate is multiplied by at `step`."""
        return min(1.0, (step + 1) / self.warm_up, max(0.0, (self.steps - step) / max(1, self.cooldown)))

    def fall_now(self, step: int, cooldown: int) -> Schedule:
        """The same schedule, but falling from what it is at `step` to zero within `cooldown` more steps."""
        left = min(cooldown, self.steps - step)
        return Schedule(step + left, self.warm_up, round(left / max(self.factor(step), 1e-3)))
