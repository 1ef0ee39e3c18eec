"""A causal video VAE: convolutions in space, memory of one step in time, no attention.

Frames are folded by four into channels (the first frame stands alone, repeated), so all layers run at the latent's
frame rate. A `MemoryBlock` sees its own input one step back (after TAEHV, Bohan 2024); normalisation is per position.
So frame t never depends on a later one, and decoding chunk by chunk, with the blocks' last inputs carried, equals
decoding at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from einops import pack, rearrange, repeat
from torch import Tensor, nn

from nodes.out_of_memory import joined_or_apart
from nodes.video_vae.config import CHUNK, LATENT_SPACE, VideoVAEConfig
from nodes.weights_file import load_weights, save_weights

Memory = list[Tensor]
"""The last input of each memory block in order, (b c h w) each: what is carried between chunks."""


class VideoVAE(nn.Module):
    """Frames (b 3 1+4k h w) in [-1, 1] to latents (b z 1+k h/8 w/8) of zero mean and unit variance, and back."""

    mean: Tensor
    std: Tensor
    preview: Tensor

    def __init__(self, config: VideoVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        # Measured over the training clips once the encoder is final.
        self.register_buffer("mean", torch.zeros(config.latent_channels))
        self.register_buffer("std", torch.ones(config.latent_channels))
        # Linear map of a latent place (and 1) to its mean colour, for previews at every sampling step.
        self.register_buffer("preview", torch.zeros(config.latent_channels + 1, 3))

    def encode(self, frames: Tensor) -> Tensor:
        """The mean latent of frames (b 3 t h w) in [-1, 1]: (b z t' h' w'), normalised per channel.

        Some frames at a time, and where memory is short as few as there can be.
        """
        self._check_frames(frames)
        fold = self.config.time_factor
        pieces = torch.split(frames, [1, *[fold] * (frames.shape[2] // fold)], dim=2)
        memory: Memory | None = None
        made = []
        for start in range(0, len(pieces), CHUNK):
            part, memory = joined_or_apart(self.encoder, pieces[start : start + CHUNK], memory)
            made.append(part)
        mean, _ = torch.cat(made, dim=2).chunk(2, dim=1)
        return torch.sub(mean, _per_channel(self.mean)) / _per_channel(self.std)

    def decode(self, latent: Tensor) -> Tensor:
        """Frames (b 3 1+4(t'-1) 8h' 8w') of a normalised latent (b z t' h' w'), clamped to [-1, 1]."""
        frames, _ = pack(list(self.decode_chunks([latent])), "b c * h w")
        return frames

    def decode_chunks(self, latents: Iterable[Tensor]) -> Iterator[Tensor]:
        """Decode a latent that arrives in chunks along the time; the frames, joined, equal those of `decode`.

        Memory does not grow with the length: only the blocks' last inputs are carried from chunk to chunk. A chunk that
        finds no room is decoded one latent frame at a time.
        """
        memory: Memory | None = None
        for latent in latents:
            raw = latent * _per_channel(self.std) + _per_channel(self.mean)
            frames, carried = joined_or_apart(self.decoder, torch.split(raw, 1, dim=2), memory)
            yield (frames if memory else frames[:, :, self.config.time_factor - 1 :]).clamp(-1, 1)
            memory = carried

    def preview_rgb(self, latent: Tensor) -> Tensor:
        """A small picture of a normalised latent (b z t h w): (b 3 t h w) in [-1, 1]."""
        colour: Tensor = torch.einsum("bzthw,zc->bcthw", latent.float(), self.preview[:-1])
        return (colour + _per_channel(self.preview[-1])).clamp(-1, 1)

    def _check_frames(self, frames: Tensor) -> None:
        time, space = self.config.time_factor, self.config.space_factor
        _, channels, count, height, width = frames.shape
        if channels != 3 or count % time != 1 or height % space or width % space:
            raise ValueError(
                f"The video VAE got {channels} channels, {count} frames of {height}x{width}; it needs 3 channels, "
                f"1 + {time}k frames and sides that {space} divides. Trim or resize the clip first."
            )


class Encoder(nn.Module):
    """Frames (b 3 1+4k h w) -> mean and log variance (b 2z 1+k h/8 w/8), not normalised."""

    def __init__(self, config: VideoVAEConfig) -> None:
        super().__init__()
        self.fold = config.time_factor
        half, quarter = config.encoder_widths
        self.enter = nn.Conv2d(3 * 4 * config.time_factor, half, 3, stride=2, padding=1)
        self.fine = nn.ModuleList(MemoryBlock(half) for _ in range(config.encoder_blocks[0]))
        self.down = nn.Conv2d(half, quarter, 3, stride=2, padding=1)
        self.coarse = nn.ModuleList(MemoryBlock(quarter) for _ in range(config.encoder_blocks[1]))
        self.leave = nn.Conv2d(quarter, 2 * config.latent_channels, 3, padding=1)

    def forward(self, frames: Tensor, memory: Memory | None = None) -> tuple[Tensor, Memory]:
        """memory: after the frames before these, which then go by `fold`; None: the first stands alone."""
        batch, carried = frames.shape[0], Memory()
        past = iter(memory or [])
        if memory is None:
            first = repeat(frames[:, :, 0], "b c h w -> b c t h w", t=self.fold - 1)
            frames, _ = pack([first, frames], "b c * h w")
        x = rearrange(frames, "b c (t f) (h p) (w q) -> (b t) (c f p q) h w", f=self.fold, p=2, q=2)
        x = self.enter(x.contiguous(memory_format=torch.channels_last))
        for i, level in enumerate((self.fine, self.coarse)):
            x = self.down(x) if i else x
            for block in level:
                x, last = block(x, batch, next(past, None))
                carried.append(last)
        return rearrange(self.leave(_norm(x)), "(b t) z h w -> b z t h w", b=batch), carried


class Decoder(nn.Module):
    """Latents (b z t h w), not normalised -> frames (b 3 4t 8h 8w): the first three are to be dropped at the start."""

    def __init__(self, config: VideoVAEConfig) -> None:
        super().__init__()
        self.fold = config.time_factor
        widths = config.decoder_widths[::-1]
        self.enter = nn.Conv2d(config.latent_channels, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(
            nn.ModuleList(MemoryBlock(width) for _ in range(blocks))
            for width, blocks in zip(widths, config.decoder_blocks[::-1], strict=True)
        )
        self.ups = nn.ModuleList(nn.Conv2d(below, 4 * above, 1) for below, above in pairwise(widths))
        self.leave = nn.Conv2d(widths[-1], 3 * 4 * config.time_factor, 3, padding=1)

    def forward(self, latent: Tensor, memory: Memory | None = None) -> tuple[Tensor, Memory]:
        batch, carried = latent.shape[0], Memory()
        past = iter(memory or [])
        x = self.enter(rearrange(latent, "b z t h w -> (b t) z h w").contiguous(memory_format=torch.channels_last))
        for i, level in enumerate(self.levels):
            if i:
                x = rearrange(self.ups[i - 1](x), "n (c p q) h w -> n c (h p) (w q)", p=2, q=2)
                x = x.contiguous(memory_format=torch.channels_last)
            for block in cast(nn.ModuleList, level):
                x, last = block(x, batch, next(past, None))
                carried.append(last)
        x = self.leave(_norm(x))
        return rearrange(x, "(b t) (c f p q) h w -> b c (t f) (h p) (w q)", b=batch, f=self.fold, p=2, q=2), carried


class MemoryBlock(nn.Module):
    """x_t + conv(silu(conv([norm(x_t), norm(x_{t-1})]))); that last one is zero at first, as x before the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(2 * width, width, 3, padding=1)
        self.write = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.write.weight)
        nn.init.zeros_(self.write.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, batch: int, last: Tensor | None) -> tuple[Tensor, Tensor]:
        """x: ((b t) c h w); `last` (b c h w) : the normed step before its first. Returns also the next `last`."""
        now = _norm(x)
        steps = rearrange(now, "(b t) c h w -> b t h w c", b=batch)
        first = torch.zeros_like(steps[:, :1]) if last is None else rearrange(last, "b c h w -> b 1 h w c")
        before = rearrange(torch.cat([first, steps[:, :-1]], dim=1), "b t h w c -> (b t) c h w")
        change = self.write(F.silu(self.look(torch.cat([now, before], dim=1))))
        return x + change, rearrange(steps[:, -1], "b h w c -> b c h w")


def _norm(x: Tensor) -> Tensor:
    """Normalise over the channels at each place (n c h w). By layer norm: on a CPU it is fused, rms norm is not."""
    return rearrange(F.layer_norm(rearrange(x, "n c h w -> n h w c"), x.shape[1:2]), "n h w c -> n c h w")


def _per_channel(values: Tensor) -> Tensor:
    return rearrange(values, "c -> c 1 1 1")


def save(model: VideoVAE, path: Path) -> None:
    save_weights(model, path, kind="video_vae", latent_space=LATENT_SPACE, config=model.config)


def load(source: Path | str | bytes) -> VideoVAE:
    """The VAE of a weights file. Raises WeightsError."""

    def build(config: dict[str, Any]) -> VideoVAE:
        tuples: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
        return VideoVAE(VideoVAEConfig(**tuples))

    return load_weights(source, kind="video_vae", build=build)
