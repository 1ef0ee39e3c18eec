"""A decoder small enough to draw a latent at every sampling step: two convolutions, then pixels. For its training.

Drawing itself is done in numpy (`nodes.preview.drawing`), since a server that knows no torch draws too.
"""

from __future__ import annotations

from pathlib import Path

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from nodes.preview.config import PreviewConfig
from nodes.weights_file import save_weights


class PreviewDecoder(nn.Module):
    """Normalised latent frames (n z h w), each by itself, to pictures (n 3 4h 4w), about in [-1, 1]."""

    def __init__(self, config: PreviewConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv2d(config.latent_channels, config.width, 3, padding=1)
        self.middle = nn.Conv2d(config.width, config.width, 3, padding=1)
        self.leave = nn.Conv2d(config.width, 3 * config.scale**2, 1)

    def forward(self, latent: Tensor) -> Tensor:
        x = self.leave(F.silu(self.middle(F.silu(self.enter(latent)))))
        p = self.config.scale
        return rearrange(x, "n (c p q) h w -> n c (h p) (w q)", p=p, q=p)  # type: ignore[no-any-return]


def save(model: PreviewDecoder, path: Path, latent_space: str) -> None:
    save_weights(model, path, kind="preview", latent_space=latent_space, config=model.config)
