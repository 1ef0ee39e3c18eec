"""A tiny decoder, and its encoder, behind the protocol of a video VAE.

The architecture, whose layers are numbered in the files, is TAEHV's (Boer Bohan 2025, github.com/madebyollin/taehv):
convolutions of single frames, with blocks that also see what came to them one frame earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from assets.values import ModelHandle, VideoVAE
from assets.weight_files import WeightsRefused
from nodes.families.tiny.files import TinyFile, scale_of, tiny_file

BACK = 3
"""Blocks that look back, in each stage."""
Carried = dict[int, Tensor]
"""Of each layer that looks back, the last frame that came to it."""


def load(handle: ModelHandle) -> TinyVAE:
    tiny = tiny_file(Path(handle.path))
    if tiny is None or not isinstance(handle, VideoVAE):
        raise WeightsRefused(f"{Path(handle.path).name} is no longer the tiny decoder that it was; run it again")
    return TinyVAE(tiny, handle.space, handle.lead)


class TinyVAE(nn.Module):
    """space: of its latents. lead: latent frames before the clip: dropped when decoded, copies of its first when
    encoded. still: makes one picture of a latent frame, the last that it stands for, at less cost.
    """

    def __init__(self, tiny: TinyFile, space: str, lead: int = 0, *, still: bool = False) -> None:
        super().__init__()
        self.lead, self.scale, self.patch, self.time = lead, scale_of(space), tiny.patch, tiny.stride[0]
        self.decoder = (_larger_decoder if tiny.larger else _decoder)(tiny, (1, 1, 1) if still else tiny.grow)
        self.encoder = _encoder(tiny) if tiny.pools and not still else None
        _fill(self, tiny.path)
        self.eval().requires_grad_(False)

    def decode_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks of a latent (1 z t h w) along the time -> pixels (1 3 t h w) in [-1, 1], one latent frame's at a time.

        Equal to decoding it whole. The first is decoded to as many frames as the others, and keeps the last.
        """
        drop, carried = self.time * self.lead + self.time - 1, Carried()
        for frame in (frame for chunk in chunks for frame in torch.split(chunk, 1, dim=2)):
            pixels = self.pictures(rearrange(frame, "1 z 1 h w -> 1 z h w"), carried)[drop:]
            drop = max(0, drop - self.time)
            if len(pixels):
                yield rearrange(pixels, "t c h w -> 1 c t h w").float()

    def pictures(self, frames: Tensor, carried: Carried) -> Tensor:
        """Latent frames (t z h w) -> the pictures of all that they are decoded to (t' 3 h' w'), in [-1, 1]."""
        made = _run(self.decoder, frames / self.scale, carried)
        made = rearrange(made, "t (c p q) h w -> t c (h p) (w q)", p=self.patch, q=self.patch)
        return made.clamp(0, 1) * 2 - 1

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels (1 3 t h w) in [-1, 1] -> latent (1 z t h w); the last frame is repeated where some are missing."""
        if self.encoder is None:
            raise WeightsRefused("this tiny decoder has no encoder; encode by the model's own video VAE")
        frames = rearrange(pixels / 2 + 0.5, "1 c t (h p) (w q) -> t (c p q) h w", p=self.patch, q=self.patch)
        missing = -len(frames) % self.time
        frames = torch.cat([frames, frames[-1:].expand(missing, -1, -1, -1)])
        carried = Carried()
        cells = [_run(self.encoder, some, carried) for some in torch.split(frames, self.time)]
        latent = rearrange(torch.cat([*cells[:1] * self.lead, *cells]), "t z h w -> 1 z t h w")
        return latent.float() * self.scale


class LooksBack(nn.Module):
    """Frames (t c h w), and each one's past, through three convolutions beside a short cut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _conv(2 * width, width), nn.ReLU(), _conv(width, width), nn.ReLU(), _conv(width, width)
        )

    def forward(self, x: Tensor, past: Tensor) -> Tensor:
        return F.relu(self.conv(torch.cat([x, past], dim=1)) + x)


class LooksBackWide(nn.Module):
    """As the above, by a wide convolution of each channel and two between them, as the larger decoders have it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(2 * width, 2 * width, 7, padding=3, groups=2 * width, bias=False),
            nn.Conv2d(2 * width, 4 * width, 1),
            nn.ReLU(),
            nn.Conv2d(4 * width, width, 1, bias=False),
        )

    def forward(self, x: Tensor, past: Tensor) -> Tensor:
        made: Tensor = self.conv(torch.cat([x, past], dim=1))
        return made + x


class Grow(nn.Module):
    """Each frame to so many."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.conv = nn.Conv2d(width, frames * width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return rearrange(self.conv(x), "t (f c) h w -> (t f) c h w", f=self.frames)  # type: ignore[no-any-return]


class Pool(nn.Module):
    """So many frames to one."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.conv = nn.Conv2d(frames * width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(rearrange(x, "(t f) c h w -> t (f c) h w", f=self.frames))
        return made


class Soften(nn.Module):
    """Keep what is far out within 3."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


def _decoder(tiny: TinyFile, grow: tuple[int, int, int]) -> nn.Sequential:
    layers: list[nn.Module] = [Soften(), _conv(tiny.channels, tiny.widths[0]), nn.ReLU()]
    for width, out, frames in zip(tiny.widths, tiny.widths[1:], grow, strict=False):
        layers += [*(LooksBack(width) for _ in range(BACK)), nn.Upsample(scale_factor=2), Grow(width, frames)]
        layers.append(_conv(width, out, bias=False))
    return nn.Sequential(*layers, nn.ReLU(), _conv(tiny.widths[-1], 3 * tiny.patch**2))


def _larger_decoder(tiny: TinyFile, grow: tuple[int, int, int]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(tiny.channels, tiny.widths[0], 1, bias=False)]
    for width, out, frames in zip(tiny.widths, tiny.widths[1:], grow, strict=False):
        layers += [*(LooksBackWide(width) for _ in range(BACK)), _conv(width, 4 * out), nn.ReLU(), nn.PixelShuffle(2)]
        layers.append(Grow(out, frames))
    return nn.Sequential(*layers, _conv(tiny.widths[-1], 3 * tiny.patch**2))


def _encoder(tiny: TinyFile) -> nn.Sequential:
    width = tiny.widths[-1]
    layers: list[nn.Module] = [_conv(3 * tiny.patch**2, width), nn.ReLU()]
    for frames in tiny.pools:
        layers += [Pool(width, frames), _conv(width, width, stride=2, bias=False)]
        layers += [LooksBack(width) for _ in range(BACK)]
    return nn.Sequential(*layers, _conv(width, tiny.channels))


def _conv(into: int, out: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(into, out, 3, stride, padding=1, bias=bias)


def _run(layers: nn.Sequential, x: Tensor, carried: Carried) -> Tensor:
    """Frames (t c h w) through all layers; those that look back see zeros before the first frame of all."""
    for number, layer in enumerate(layers):
        if isinstance(layer, LooksBack | LooksBackWide):
            before = carried.get(number, torch.zeros_like(x[:1]))
            carried[number] = x[-1:].clone()
            x = layer(x, torch.cat([before, x[:-1]]))
        else:
            x = layer(x)
    return x


def _fill(module: nn.Module, path: Path) -> None:
    """Put a file's tensors in a module's places; where a layer is to make one frame of several, those of the last."""
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name).float()[-len(place) :] for name, place in module.state_dict().items()}
        module.load_state_dict(state)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise WeightsRefused(f"{path.name} cannot be read as a tiny decoder ({error}); get it again") from error
