"""The shipped nodes, called one after another in this process, as a workflow would have them run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from assets import weight_files
from assets.values import (
    Captioner,
    Clip,
    Conditioning,
    DiT,
    Expander,
    Latent,
    ModelHandle,
    Patches,
    Text,
    TextEncoder,
    VideoVAE,
)
from nodes.captioner.nodes import caption_clip
from nodes.dit.nodes import sample
from nodes.models import load
from nodes.models.handles import builtin
from nodes.patches.nodes import noise_patches, patchify, unpatchify
from nodes.prompt.nodes import expand_prompt
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import decode_latent, encode_video
from nodes.world.render import render
from nodes.world.scene import FRAMES_PER_SECOND, Scene


@dataclass
class Studio:
    """A context for nodes, with the models of a folder of weights, and the usual widgets of the sampler."""

    steps_: int = 20
    guidance: float = 4.0
    shift: float = 0.0
    """0: by the canvas's size."""
    weights: Path = weight_files.BUILTIN
    device: str = "cpu"
    _loaded: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weight_files.BUILTIN = self.weights
        self.text_encoder, self.dit, self.vae = builtin(TextEncoder), builtin(DiT), builtin(VideoVAE)

    def steps(self, total: int, done: int = 0) -> Iterator[int]:
        return iter(range(done, total))

    def preview(self, value: Clip | Latent | Patches) -> None:
        """Nobody looks."""

    def kept(self) -> list[dict[str, Any]]:
        return []

    def keep(self, state: dict[str, Any]) -> None:
        """Nothing is resumed."""

    def levers(self, said: str) -> None:
        """On a CPU there are none."""

    def model(self, handle: ModelHandle) -> Any:
        if handle.digest not in self._loaded:
            self._loaded[handle.digest] = load(handle, self.device)
        return self._loaded[handle.digest]

    def canvas(self, height: int = 64, width: int = 64, frames: int = 17) -> Patches:
        return noise_patches(
            self.dit, self.vae, width=width, height=height, frames=frames, fps=float(FRAMES_PER_SECOND)
        )

    def encode(self, clip: Clip) -> Latent:
        return encode_video(self.vae, clip, ctx=self)

    def patches(self, clip: Clip) -> Patches:
        return patchify(self.encode(clip), self.dit)

    def read(self, prompt: str) -> Conditioning:
        return encode_text(self.text_encoder, Text(prompt), ctx=self)

    def sample(self, patches: Patches, prompt: str, seed: int = 0) -> Patches:
        return sample(
            self.dit,
            patches,
            self.read(prompt),
            ctx=self,
            seed=seed,
            steps=self.steps_,
            guidance=self.guidance,
            shift=self.shift,
        ).patches

    def decode(self, patches: Patches) -> Clip:
        return decode_latent(self.vae, unpatchify(patches), ctx=self)

    def make(self, prompt: str, canvas: Patches, seed: int = 0) -> Clip:
        """From a prompt to a clip on a canvas, on which some patches may be given."""
        return self.decode(self.sample(canvas, prompt, seed))

    def reconstruct(self, clip: Clip) -> Clip:
        """The clip, through the VAE and back."""
        return self.decode(self.patches(clip))

    def caption(self, clip: Clip) -> str:
        return caption_clip(builtin(Captioner), self.encode(clip), ctx=self).text

    def expand(self, prompt: str, seed: int = 0) -> str:
        return expand_prompt(builtin(Expander), Text(prompt), ctx=self, seed=seed).text


def rendered(scene: Scene, height: int = 64, width: int = 64, frames: int = 17, start: int = 0) -> Clip:
    """A clip of a scene."""
    pixels = rearrange((render([scene], height, width, frames, start=start)[0] + 1) * 127.5, "c t h w -> t h w c")
    return Clip(pixels.round().byte().numpy(), float(FRAMES_PER_SECOND))


def tensors(clips: Sequence[Clip]) -> list[Tensor]:
    """Clips as the judge takes them: (3 t h w) each, in [-1, 1]."""
    return [rearrange(torch.from_numpy(clip.frames), "t h w c -> c t h w").float() / 127.5 - 1 for clip in clips]


def psnr(one: Clip, other: Clip) -> float:
    """Peak signal-to-noise ratio of two clips of one size and length, in dB."""
    error = np.mean((one.frames.astype(np.float64) - other.frames) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-10)))
