"""The DiT's sizes. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Objective = Literal["flow", "v", "ddpm-epsilon", "ddpm-x0"]
Sampler = Literal["euler", "heun", "dpm++2m", "unipc", "ddim", "ddpm", "dpm++2m sde"]


@dataclass(frozen=True)
class DiTConfig:
    """Tokens are patches of `patch` (t, h, w) latent cells, their entries in the order (c pt ph pw).

    `theta` is the longest RoPE wavelength's base; grids are small, so it is small. `axes` splits a head's channels
    among time, height and width.
    """

    latent_channels: int = 8
    patch: tuple[int, int, int] = (1, 2, 2)
    width: int = 192
    depth: int = 8
    heads: int = 6
    axes: tuple[int, int, int] = (12, 10, 10)
    text_width: int = 192
    theta: float = 100.0
    objective: Objective = "flow"

    @property
    def token_width(self) -> int:
        pt, ph, pw = self.patch
        return self.latent_channels * pt * ph * pw
