"""What the DiT learns to predict, and how a prediction is read: rectified flow, v, and DDPM.

All take a noise level t in [0, 1] a token, 0 for clean.
- Flow: x_t = (1 - t) x0 + t eps, and the target is the velocity eps - x0 (Liu et al. 2022).
- v: t is an angle, in right angles. x_t = cos x0 + sin eps, and the target is how it changes with the angle,
  cos eps - sin x0 (Salimans & Ho 2022, app. D). At t = 1 no signal is left; the schedule that a model was trained on is
  a choice of levels.
- DDPM (Ho et al. 2020): t stands for the step 1000 t of the linear schedule, x_t = sqrt(abar) x0 + sqrt(1 - abar) eps,
  and the target is eps or x0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from einops import rearrange
from torch import Tensor

from nodes.dit.config import Objective

DDPM_STEPS = 1000
BASE_TOKENS = 80
"""The tokens of a clip of 17 frames of 64 x 64, whose noise levels are not shifted."""


def size_shift(tokens: int) -> float:
    """The shift of noise levels for a clip of so many tokens: a larger one hides in less noise (Esser et al. 2024).

    Their eq. 23, with tokens for pixels; never below 1.
    """
    return math.sqrt(max(1.0, tokens / BASE_TOKENS))


def shifted(t: Tensor, shift: float) -> Tensor:
    """Noise levels t in [0, 1], moved up where `shift` > 1 (Esser et al. 2024, eq. 23)."""
    return shift * t / (1 + (shift - 1) * t)


def signal_and_noise(objective: Objective, t: Tensor) -> tuple[Tensor, Tensor]:
    """The shares a, s of x_t = a x0 + s eps at noise levels t, of t's shape."""
    match objective:
        case "flow":
            return 1 - t, t
        case "v":
            angle = t * (math.pi / 2)
            return angle.cos().clamp(min=0), angle.sin()  # the cosine of a right angle, rounded, may be below 0
    kept = alpha_bar(t)
    return kept.sqrt(), (1 - kept).sqrt()


def alpha_bar(t: Tensor) -> Tensor:
    """The share of variance that is signal, of the linear beta schedule 1e-4 to 0.02 over 1000 steps, 1 at t = 0.

    Between whole steps its logarithm is interpolated, so that any t in [0, 1] has one.
    """
    log = _log_alpha_bar(t.device)
    place = t.double().clamp(0, 1) * DDPM_STEPS
    below = place.floor().long().clamp(max=DDPM_STEPS - 1)
    return torch.lerp(log[below], log[below + 1], place - below).exp().to(t.dtype)


@cache
def _log_alpha_bar(device: torch.device) -> Tensor:
    """After 0, 1, ... 1000 whole steps: (1001,)."""
    with torch.inference_mode(False):  # kept beyond the run that asks first, and good for training too
        beta = torch.linspace(1e-4, 0.02, DDPM_STEPS, dtype=torch.float64, device=device)
        return torch.cat([beta.new_zeros(1), torch.log1p(-beta).cumsum(0)])


def add_noise(objective: Objective, clean: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """x_t of tokens (b n d) at levels t (b n). A token at level 0 stays as it is."""
    signal, noise = (rearrange(share, "b n -> b n 1") for share in signal_and_noise(objective, t))
    return signal * clean + noise * eps


def target(objective: Objective, clean: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """What the DiT is to predict for tokens (b n d) at levels t (b n), of the tokens' shape."""
    match objective:
        case "flow":
            return eps - clean
        case "v":
            signal, noise = (rearrange(share, "b n -> b n 1") for share in signal_and_noise(objective, t))
            return signal * eps - noise * clean
        case "ddpm-epsilon":
            return eps
        case "ddpm-x0":
            return clean


def clean_and_noise(objective: Objective, x: Tensor, prediction: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """(x0, eps) as the prediction has them, for tokens x (b n d) at levels t (b n)."""
    signal, noise = (rearrange(share, "b n -> b n 1") for share in signal_and_noise(objective, t))
    match objective:
        case "flow":
            return x - noise * prediction, x + signal * prediction
        case "v":
            return signal * x - noise * prediction, noise * x + signal * prediction
        case "ddpm-epsilon":
            return (x - noise * prediction) / signal.clamp(min=1e-4), prediction
        case "ddpm-x0":
            return prediction, (x - signal * prediction) / noise.clamp(min=1e-4)


def foreseen(objective: Objective, predict: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """(x (b n d), t (b n)) -> the clean tokens that a prediction of the objective's target at (x, t) stands for."""
    return lambda x, t: clean_and_noise(objective, x, predict(x, t), t)[0]
