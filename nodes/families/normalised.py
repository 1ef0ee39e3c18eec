"""Video VAEs whose latents are normalised channel by channel."""

from __future__ import annotations

from typing import Any

from einops import rearrange
from torch import Tensor, nn


class NormalisedVAE(nn.Module):
    """A causal VAE of diffusers'. mean, std (c): of its latents; what a family's decoder does is the family's own."""

    mean: Tensor
    std: Tensor

    def __init__(self, vae: Any, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.vae = vae
        self.register_buffer("mean", rearrange(mean, "c -> c 1 1 1"), persistent=False)
        self.register_buffer("std", rearrange(std, "c -> c 1 1 1"), persistent=False)

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels (1 3 t h w) in [-1, 1] -> latent (1 c t h w), normalised."""
        latent: Tensor = self.vae.encode(pixels.to(self.vae.dtype)).latent_dist.mode().float()
        return (latent - self.mean) / self.std

    def restored(self, latent: Tensor) -> Tensor:
        """A latent as the decoder takes it, before it is cast."""
        return latent * self.std + self.mean
