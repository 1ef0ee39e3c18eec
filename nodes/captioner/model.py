"""The captioner: convolutions and a transformer read a latent, and the writer says what they saw.

Three tokens are read along with the patches: during training they must tell the facts (each thing's colour, shape and
motion, and the background), so that what a caption needs is found before its words are.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from nodes.captioner.config import CaptionerConfig
from nodes.video_vae.config import LATENT_SPACE
from nodes.weights_file import load_weights, save_weights
from nodes.writer.grammar import Cursor
from nodes.writer.model import Layer, Writer, normed
from nodes.writer.words import Detail, vocabulary

FACTS = 3
_WAVES = 5


class Captioner(nn.Module):
    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv2d(config.latent_channels, config.look, 3, padding=1)
        self.looks = nn.ModuleList(Look(config.look) for _ in range(2))
        self.patch = nn.Linear(4 * config.look, config.width)
        self.where = nn.Linear(3 * 2 * _WAVES, config.width)
        self.facts = nn.Parameter(0.5 * torch.randn(FACTS, config.width))
        self.readers = nn.ModuleList(Layer(config.width, writes=False) for _ in range(config.readers))
        self.writer = Writer(config.width, config.writers)

    def read(self, latents: Tensor) -> Tensor:
        """The memory (b 3+n d) of latents (b c t h w): three tokens of facts, then one a patch of 2 x 2 places."""
        batch, time = latents.shape[0], latents.shape[2]
        places = rearrange(latents, "b c t h w -> (b t) c h w")
        x = self.enter(F.pad(places, (0, places.shape[-1] % 2, 0, places.shape[-2] % 2), mode="replicate"))
        for look in self.looks:
            x = look(x)
        rows, columns = x.shape[-2] // 2, x.shape[-1] // 2
        x = self.patch(rearrange(x, "(b t) c (h p) (w q) -> b (t h w) (c p q)", b=batch, p=2, q=2))
        x = x + self.where(coordinates(time, rows, columns).to(x))
        x = torch.cat([self.facts.expand(batch, -1, -1), x], dim=1)
        for layer in self.readers:
            x = layer(x)
        return normed(x)

    @torch.no_grad()
    def caption(self, latent: Tensor, detail: Detail = "descriptive") -> str:
        """What a normalised latent (c t h w) shows, in a sentence of the grammar.

        Of a long one, as many frames as it is trained on are read, spread from the first to the last: of 60 clips of 33
        frames, 77 % of the captions were right so, and 45 % of those from the first frames. Of a single frame, which
        shows no motion, the caption says none.
        """
        channels = latent.shape[0]
        if latent.ndim != 4 or channels != self.config.latent_channels:
            raise ValueError(
                f"The captioner got a latent of shape {tuple(latent.shape)}; it needs {self.config.latent_channels} "
                "channels and (c t h w). Encode the clip with the video VAE of the same family."
            )
        memory = self.read(latent[None, :, spread(latent.shape[1], self.config.frames)].float())
        return self.writer.write(memory, detail, [Cursor(detail, still=latent.shape[1] == 1)])[0]


def spread(frames: int, most: int) -> list[int]:
    """Which of so many latent frames are read: `most` at most, from the first to the last."""
    places: list[int] = torch.linspace(0, frames - 1, min(frames, most)).round().long().tolist()
    return places


class Look(nn.Module):
    """A residual convolution within each latent frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, channels, 3, padding=1)
        self.write = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.write.weight)

    def forward(self, x: Tensor) -> Tensor:
        now = rearrange(normed(rearrange(x, "n c h w -> n h w c")), "n h w c -> n c h w")
        return x + self.write(F.silu(self.look(now)))  # type: ignore[no-any-return]


def coordinates(time: int, rows: int, columns: int) -> Tensor:
    """Waves of each patch's place: (n 30). Rows and columns count from the middle, in units of 32 pixels.

    So that a 64 x 64 clip spans -1 to 1, and a wider one more.
    """
    t, y, x = torch.meshgrid(
        torch.arange(time) / 4 - 0.5,
        (torch.arange(rows) - (rows - 1) / 2) / 2,
        (torch.arange(columns) - (columns - 1) / 2) / 2,
        indexing="ij",
    )
    at = rearrange(torch.stack([t, y, x]), "d t h w -> (t h w) d 1")
    angles = at * math.pi * 2.0 ** (torch.arange(_WAVES) - 2)
    return rearrange(torch.stack([angles.sin(), angles.cos()]), "two n d wave -> n (two d wave)")


def save(model: Captioner, path: Path) -> None:
    save_weights(model, path, kind="captioner", latent_space=LATENT_SPACE, config=model.config)


def load(source: Path | str | bytes) -> Captioner:
    """The captioner of a weights file. Raises WeightsError, also where its words are not this version's."""

    def build(config: dict[str, Any]) -> Captioner:
        if tuple(config["words"]) != vocabulary():
            raise TypeError("its words are not those of this version's vocabulary")
        return Captioner(CaptionerConfig(**{**config, "words": tuple(config["words"])}))

    return load_weights(source, kind="captioner", build=build)
