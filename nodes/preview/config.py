"""The preview decoder's sizes. No torch here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PreviewConfig:
    """A latent place becomes `scale` x `scale` pixels."""

    latent_channels: int
    width: int = 32
    scale: int = 4
