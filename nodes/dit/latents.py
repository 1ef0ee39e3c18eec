"""The DiT's training clips as latents: rendered and encoded once, then drawn from at random.

A clip is a function of (seed, index), so its scene, and from it a fresh caption each time, needs no storing. The
first latent frame of a clip is the latent of its first image: single images come from the same store.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from nodes.video_vae.model import VideoVAE
from nodes.world.render import render
from nodes.world.scene import Scene, lasting, sample_scene

_PIXELS_AT_ONCE = 16 * 17 * 64 * 64


def scene(seed: str, index: int, frames: int = 17, *, held: bool = False) -> Scene:
    """The scene of one clip of the store."""
    return lasting(sample_scene(random.Random(f"{seed} {index}"), held=held), frames)


@torch.no_grad()
def make_latents(
    vae: VideoVAE, path: Path, seed: str, count: int, height: int, width: int, frames: int = 17, *, held: bool = False
) -> Tensor:
    """Latents (count z t h w) of the store's first clips, in bfloat16, made once and kept at `path`."""
    if path.exists():
        return load_file(path)["latents"]
    parts = []
    at_once = max(1, _PIXELS_AT_ONCE // (frames * height * width))
    for start in range(0, count, at_once):
        scenes = [scene(seed, index, frames, held=held) for index in range(start, min(start + at_once, count))]
        clips = render(scenes, height, width, frames)
        with torch.autocast(clips.device.type, torch.bfloat16):
            parts.append(vae.encode(clips).bfloat16())
    latents = torch.cat(parts).contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"latents": latents}, path)
    return latents
