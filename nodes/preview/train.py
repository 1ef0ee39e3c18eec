"""Fit the preview decoder to a trained VAE: `train(config, path)`, a minute or two on one core.

It learns from rendered clips to draw, of what a latent frame stands for, the last frame.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from nodes.preview.config import PreviewConfig
from nodes.preview.model import PreviewDecoder, save
from nodes.video_vae import model as video_vae
from nodes.video_vae.config import LATENT_SPACE
from nodes.video_vae.model import VideoVAE
from nodes.world.render import render
from nodes.world.scene import sample_scene


@dataclass(frozen=True)
class PreviewTraining:
    vae: Path
    clips: int = 192
    steps: int = 1000
    batch: int = 48
    rate: float = 5e-3


def train(config: PreviewTraining, path: Path) -> PreviewDecoder:
    """Fit, and write the weights file at `path`."""
    torch.manual_seed(0)
    vae = video_vae.load(config.vae)
    decoder = PreviewDecoder(PreviewConfig(vae.config.latent_channels))
    latents, pictures = examples(vae, config.clips, "preview decoder")
    pictures = F.interpolate(pictures, size=[decoder.config.scale * side for side in latents.shape[2:]], mode="area")
    optimiser = torch.optim.Adam(decoder.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, config.steps)
    for _ in range(config.steps):
        chosen = torch.randint(len(latents), (config.batch,))
        error = decoder(latents[chosen]) - pictures[chosen]
        loss = error.abs().mean() + error.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    save(decoder, path, LATENT_SPACE)
    return decoder.eval().requires_grad_(False)


@torch.no_grad()
def examples(vae: VideoVAE, clips: int, seed: str, *, held: bool = False) -> tuple[Tensor, Tensor]:
    """Latent frames (n z h/8 w/8) of rendered clips, and of each the last frame that it stands for (n 3 h w)."""
    rng = random.Random(seed)
    latents, pictures = [], []
    for start in range(0, clips, 8):
        frames = render([sample_scene(rng, held=held) for _ in range(min(8, clips - start))], 64, 64, 17)
        latents.append(rearrange(vae.encode(frames), "b z t h w -> (b t) z h w"))
        pictures.append(rearrange(frames[:, :, :: vae.config.time_factor], "b c t h w -> (b t) c h w"))
    return torch.cat(latents), torch.cat(pictures)
