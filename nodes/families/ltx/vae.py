"""LTX-Video's VAE. Its decoder looks ahead as well as back, so a latent is decoded as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from diffusers import AutoencoderKLLTXVideo
from einops import rearrange
from torch import Tensor, nn

DECODE_LEVEL, DECODE_NOISE = 0.05, 0.025
"""What decoders that finish the denoising are told, and the share of noise they are given: the makers' settings."""
SEED = 0


class LTXVAE(nn.Module):
    mean: Tensor
    std: Tensor

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae", local_files_only=True).eval()
        mean, std = (rearrange(each.float(), "c -> c 1 1 1") for each in (self.vae.latents_mean, self.vae.latents_std))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std / self.vae.config.scaling_factor, persistent=False)

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels (1 3 t h w) in [-1, 1] -> latent (1 c t h w), normalised."""
        latent: Tensor = self.vae.encode(pixels.to(self.vae.dtype)).latent_dist.mode().float()
        return (latent - self.mean) / self.std

    def decode_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks of a latent along the time to pixels, all at once."""
        latent = torch.cat(list(chunks), dim=2) * self.std + self.mean
        level = None
        if self.vae.config.timestep_conditioning:
            # Drawn on the CPU, so that a latent means the same clip on every device.
            noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(SEED)).to(latent)
            latent = (1 - DECODE_NOISE) * latent + DECODE_NOISE * noise
            level = torch.tensor([DECODE_LEVEL], device=latent.device, dtype=self.vae.dtype)
        with torch.random.fork_rng():  # some layers of the decoder add noise, which they draw themselves
            torch.manual_seed(SEED)
            pixels: Tensor = self.vae.decode(latent.to(self.vae.dtype), level).sample
        yield pixels.float().clamp(-1, 1)
