"""HunyuanVideo's VAE, decoded some frames at a time as diffusers does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import torch
from diffusers import AutoencoderKLHunyuanVideo
from torch import Tensor, nn

from nodes.families.formats.loading import load_part


class HunyuanVAE(nn.Module):
    """Its normalisation spans all frames that go through it together: so it goes by overlapping tiles of time.

    lead: latent frames before the clip that are made for the DiT alone, copies of the clip's first one when encoded.
    """

    def __init__(self, folder: Path, lead: int = 0) -> None:
        super().__init__()
        self.lead = lead
        self.vae = load_part(AutoencoderKLHunyuanVideo, folder / "vae")

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels (1 3 t h w) in [-1, 1] -> latent (1 c t h w), scaled."""
        latent: Tensor = self.vae.encode(pixels.to(self.vae.dtype)).latent_dist.mode()
        scale: float = self.vae.config.scaling_factor
        return torch.cat([*[latent[:, :, :1]] * self.lead, latent], dim=2).float() * scale

    def decode_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks of a latent along the time -> pixels of four latent frames, then of three at a time.

        Equal to `AutoencoderKLHunyuanVideo._temporal_tiled_decode`, holding one tile and the last: tiles begin three
        latent frames apart, span five, and are blended over the four frames that both end and begin with. What lies
        beyond [-1, 1] is left so, since FramePack blends once more.
        """
        vae = self.vae
        stride = vae.tile_sample_stride_num_frames
        blended = vae.tile_sample_min_num_frames - stride
        span, step = (frames // vae.temporal_compression_ratio for frames in (vae.tile_sample_min_num_frames, stride))
        frames = (frame for chunk in chunks for frame in torch.split(chunk, 1, dim=2))
        before: Tensor | None = None
        tile = list(islice(frames, span + 1))
        while tile:
            latent = torch.cat(tile, dim=2) / vae.config.scaling_factor
            pixels = vae.decoder(vae.post_quant_conv(latent.to(vae.dtype)))
            if before is not None:
                pixels = vae.blend_t(before, pixels[:, :, 1:], blended)
            first = self.lead * vae.temporal_compression_ratio if before is None else 0
            yield pixels[:, :, first : stride + (before is None)].float()
            before = pixels
            tile = tile[step:] + list(islice(frames, step))
            if len(tile) == 1:  # it is the last one's end already
                break
