"""How close to the truth the ways to draw a latent come, and what each costs: `python -m benchmarks.previews`.

Held-out rendered clips of 17 frames, 64 x 64. A picture a latent frame, enlarged to the size of the frames, is held
against the last frame that it stands for. The VAE's own decoder is the bound.
"""

import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
import typer
from einops import rearrange
from rich.console import Console
from rich.table import Table
from torch import Tensor

from assets.images import resize
from assets.values import VideoVAE
from nodes.models import load
from nodes.models.handles import builtin
from nodes.preview.drawing import Floats, draw
from nodes.preview.train import examples
from nodes.video_vae import model as video_vae

LATENT_FRAMES = 5


def main(clips: Annotated[int, typer.Option(help="Held-out clips.", min=1)] = 32) -> None:
    """Measure previews."""
    torch.set_num_threads(1)
    handle = builtin(VideoVAE)
    vae = load(handle)
    latents, pictures = examples(vae, clips, "previews", held=True)
    truth = rearrange(pictures, "n c h w -> n h w c").numpy()
    ways: dict[str, Callable[[Tensor], Floats]] = {
        "linear map": lambda clip: _linear(vae, clip),
        "small decoder": lambda clip: _drawn(clip, handle.space),
        "VAE decoder": lambda clip: _decoded(vae, clip),
    }
    table = Table("", "PSNR (dB)", "ms a clip", box=None)
    for name, way in ways.items():
        errors, best = [], float("inf")
        for start in range(0, len(latents), LATENT_FRAMES):
            part = slice(start, start + LATENT_FRAMES)
            began = time.perf_counter()
            drawn = way(latents[part])
            best = min(best, time.perf_counter() - began)
            errors.append(((_enlarged(drawn, *truth.shape[1:3]) - truth[part]) ** 2).mean(axis=(1, 2, 3)))
        table.add_row(name, f"{10 * np.log10(4 / np.concatenate(errors)).mean():.1f}", f"{1000 * best:.1f}")
    Console().print(table)


def _linear(vae: video_vae.VideoVAE, clip: Tensor) -> Floats:
    rgb = vae.preview_rgb(rearrange(clip, "t z h w -> 1 z t h w"))
    return rearrange(rgb, "1 c t h w -> t h w c").numpy()


def _drawn(clip: Tensor, space: str) -> Floats:
    drawn = draw(rearrange(clip, "t z h w -> t h w z").numpy(), space)
    assert drawn is not None
    return drawn


def _decoded(vae: video_vae.VideoVAE, clip: Tensor) -> Floats:
    frames = vae.decode(rearrange(clip, "t z h w -> 1 z t h w"))
    return rearrange(frames[:, :, :: vae.config.time_factor], "1 c t h w -> t h w c").numpy()


def _enlarged(pictures: Floats, height: int, width: int) -> Floats:
    """As they are shown: in bytes, enlarged smoothly; back in [-1, 1]."""
    shown = ((pictures.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)
    return (resize(shown, height, width) / np.float32(127.5) - 1).astype(np.float32)


if __name__ == "__main__":
    typer.run(main)
