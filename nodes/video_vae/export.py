"""Make the weights file of a trained video VAE: measure its latents, fit the preview map, write.

`export` takes the moving average from the checkpoint in `out`. Latents are final from then on: models
trained on them need this very file.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
from einops import rearrange, reduce
from torch import Tensor

from nodes.training import checkpoint
from nodes.video_vae.config import VideoVAEConfig
from nodes.video_vae.model import VideoVAE, save
from nodes.world.render import render
from nodes.world.scene import sample_scene


def export(out: Path, path: Path, config: VideoVAEConfig, *, measure: bool = True) -> None:
    """Write the weights file at `path` from the run in `out`.

    measure: its latents; else they are as those that the run began with were.
    """
    vae = VideoVAE(config)
    checkpoint.restore(out / "checkpoint.safetensors", {"ema": vae}, {})
    if measure:
        fit_statistics(vae, 128)
    save(vae, path)


@torch.no_grad()
def fit_statistics(vae: VideoVAE, clips: int) -> None:
    """Set the latents' mean and deviation per channel, and the linear map to colour, from freshly rendered clips."""
    vae.eval()
    vae.mean.zero_()
    vae.std.fill_(1)
    rng = random.Random("latent statistics")
    latents, colours = [], []
    for _ in range(0, clips, 8):
        frames = render([sample_scene(rng) for _ in range(8)], 64, 64, 17)
        latents.append(vae.encode(frames))
        colours.append(cell_colours(frames, vae.config.time_factor, vae.config.space_factor))
    latent, colour = torch.cat(latents), torch.cat(colours)
    vae.mean.copy_(latent.mean(dim=(0, 2, 3, 4)))
    vae.std.copy_(latent.std(dim=(0, 2, 3, 4)))

    normal = (latent - rearrange(vae.mean, "z -> z 1 1 1")) / rearrange(vae.std, "z -> z 1 1 1")
    places = rearrange(normal, "b z t h w -> (b t h w) z")
    with_one = torch.cat([places, torch.ones(len(places), 1)], dim=1)
    answer = torch.linalg.lstsq(with_one, rearrange(colour, "b c t h w -> (b t h w) c")).solution
    vae.preview.copy_(answer)


def cell_colours(frames: Tensor, time: int, space: int) -> Tensor:
    """The mean colour of the pixels of each latent place: (b 3 1+4k h w) -> (b 3 1+k h/8 w/8); frame 0 stands alone."""
    small = reduce(frames, "b c t (h p) (w q) -> b c t h w", "mean", p=space, q=space)
    rest = reduce(small[:, :, 1:], "b c (t f) h w -> b c t h w", "mean", f=time)
    return torch.cat([small[:, :, :1], rest], dim=2)
