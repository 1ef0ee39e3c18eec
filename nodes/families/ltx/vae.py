"""LTX-Video's VAE. Its decoder looks ahead as well as back, so a latent is decoded as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from diffusers import AutoencoderKLLTXVideo
from torch import Tensor

from nodes.families.formats.loading import load_part
from nodes.families.normalised import NormalisedVAE

DECODE_LEVEL, DECODE_NOISE = 0.05, 0.025
"""What decoders that finish the denoising are told, and the share of noise they are given: the makers' settings."""
SEED = 0


class LTXVAE(NormalisedVAE):
    def __init__(self, folder: Path) -> None:
        vae = load_part(AutoencoderKLLTXVideo, folder / "vae")
        super().__init__(vae, vae.latents_mean.float(), vae.latents_std.float() / vae.config.scaling_factor)

    def decode_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks of a latent along the time to pixels, all at once."""
        latent = self.restored(torch.cat(list(chunks), dim=2))
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
