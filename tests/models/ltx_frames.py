"""An image and a clip to be given to LTX-Video, as our nodes take them and as the reference does."""

from pathlib import Path

import numpy as np
import PIL.Image
import torch
from bench import Bench
from diffusers import AutoencoderKLLTXVideo
from einops import rearrange
from torch import Tensor

from assets.values import Clip, Patches
from nodes.families.registry import components
from nodes.patches.nodes import noise_patches
from nodes.patches.nodes import patchify as patchify_node
from nodes.video_vae.nodes import encode_video

SIZE = {"frames": 17, "height": 64, "width": 96, "fps": 25.0}
_drawn = np.random.default_rng(7).integers(0, 256, (17, 64, 96, 3), np.uint8)
CLIP = Clip(_drawn, 25.0)
IMAGE, OTHER = Clip(_drawn[3:4], 25.0), Clip(_drawn[5:6], 25.0)


def empty(folder: Path, frames: int = 17) -> Patches:
    models = components(folder)
    return noise_patches(models.dit, models.vae, **{**SIZE, "frames": frames})


def given(folder: Path, clip: Clip) -> Patches:
    models = components(folder)
    return patchify_node(encode_video(models.vae, clip, ctx=Bench()), models.dit)


def pictures(clip: Clip) -> list[PIL.Image.Image]:
    return [PIL.Image.fromarray(np.asarray(frame)) for frame in clip.frames]


def as_pixels(clip: Clip) -> Tensor:
    return rearrange(torch.as_tensor(clip.frames), "t h w c -> 1 c t h w").float() / 127.5 - 1


def encoded(folder: Path, clip: Clip) -> Tensor:
    """The latent (1 c t h w) by the reference VAE, normalised."""
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae")
    mean, std = vae.latents_mean[:, None, None, None], vae.latents_std[:, None, None, None]
    with torch.no_grad():
        latent: Tensor = vae.encode(as_pixels(clip)).latent_dist.mode()
    return (latent - mean) / std
