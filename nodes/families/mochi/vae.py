"""Mochi's VAE, whose decoder takes a latent some frames at a time and makes what it makes of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKLMochi
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import CogVideoXCausalConv3d as CausalConv
from torch import Tensor, nn

from assets.weight_files import WeightsRefused
from nodes.families.formats.loading import load_part
from nodes.families.formats.single_file import held_in
from nodes.families.mochi.handles import encoder_beside
from nodes.families.normalised import NormalisedVAE


class MochiVAE(NormalisedVAE):
    def __init__(self, folder: Path) -> None:
        vae = _of_files(folder) if folder.is_file() else load_part(AutoencoderKLMochi, folder / "vae")
        carry_over(vae.decoder)
        config = vae.config
        mean = torch.tensor(config.latents_mean or [0.0] * config.latent_channels)
        std = torch.tensor(config.latents_std or [1.0] * config.latent_channels) / config.scaling_factor
        super().__init__(vae, mean, std)

    def encode(self, pixels: Tensor) -> Tensor:
        if self.vae.encoder is None:
            raise WeightsRefused(
                "This file holds the decoder of Mochi's video VAE alone, and the encoder's does not lie beside it; to "
                "encode a clip, put that there (encoder.safetensors beside decoder.safetensors)"
            )
        return super().encode(pixels)

    def decode_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks of a latent along the time, one after the other, to as many of pixels: equal to decoding it whole."""
        seen: dict[str, object] | None = None
        for chunk in chunks:
            latent = self.restored(chunk).to(self.vae.dtype)
            first = seen is None
            pixels, seen = self.vae.decoder(latent, conv_cache=seen)
            if first:  # the first latent frame stands for one frame, the last of those that it is decoded to
                pixels = pixels[:, :, self.vae.temporal_compression_ratio - 1 :]
            yield pixels.float().clamp(-1, 1)


class Half(nn.Module):
    """The encoder or the decoder that a file holds, under its name in the whole."""

    config_class = dict

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        half = config["half"]
        self.add_module(half, getattr(_whole(config), half))


def _of_files(path: Path) -> AutoencoderKLMochi:
    """A VAE of one file, or of the decoder's and, where it lies beside that, the encoder's."""
    config = held_in(path, "vae").config
    if "half" not in config:
        return load_part(AutoencoderKLMochi, path / "vae")
    with init_empty_weights():
        made = _whole(config)
    made.decoder, encoder = load_part(Half, path / "vae").decoder, encoder_beside(path)
    made.encoder = load_part(Half, encoder / "vae").encoder if encoder else None
    return made.eval()


def _whole(config: dict[str, Any]) -> AutoencoderKLMochi:
    return AutoencoderKLMochi(**{name: value for name, value in config.items() if name != "half"})


class CarryingConv(nn.Module):
    """A causal convolution that hands on the frames its next call is to look back at, padded as in training."""

    def __init__(self, causal: CausalConv) -> None:
        super().__init__()
        self.conv = causal.conv
        self.back: int = causal.time_kernel_size - 1
        self.sides = (causal.width_pad, causal.width_pad, causal.height_pad, causal.height_pad, 0, 0)

    def forward(self, frames: Tensor, conv_cache: Tensor | None = None) -> tuple[Tensor, Tensor]:
        before = frames[:, :, :1].expand(-1, -1, self.back, -1, -1) if conv_cache is None else conv_cache
        frames = torch.cat([before, frames], dim=2)
        made: Tensor = self.conv(nn.functional.pad(frames, self.sides, mode="replicate"))
        return made, frames[:, :, frames.shape[2] - self.back :].clone()


def carry_over(module: nn.Module) -> None:
    """Put a `CarryingConv` for each causal convolution in a module: diffusers' own pads other sides as it streams."""
    for name, child in module.named_children():
        if isinstance(child, CausalConv):
            setattr(module, name, CarryingConv(child))
        else:
            carry_over(child)
