"""Train the DiT and the text encoder together: `train(config, out)`, resumed from `out` where it holds a checkpoint.

Needs the video VAE's weights. First renders and encodes clips of many sizes and lengths (kept in `out`), then trains on
them, packed at their native sizes. Every checkpoint also writes `dit.safetensors` and `text_encoder.safetensors`, the
moving averages, to `out`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import torch
from einops import rearrange
from torch import Tensor, nn

from nodes.dit import model as dit_model
from nodes.dit.batches import Batch, Clips, Mix, draw_batch, judged_batches
from nodes.dit.config import DiTConfig
from nodes.dit.latents import make_latents, scene
from nodes.dit.model import DiT
from nodes.dit.objectives import add_noise, target
from nodes.text_encoder import model as text_model
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.model import TextEncoder
from nodes.training.loop import LoopConfig, fit
from nodes.training.processes import run_together
from nodes.video_vae.config import LATENT_SPACE
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import load as load_vae
from nodes.world.captions import caption

FURTHER = LoopConfig(steps=2600, cooldown=1100, learning_rate=2e-3, adamw_share=0.6, ema=0.998, save_every=250)
"""For going on from trained weights."""


@dataclass(frozen=True)
class DiTTraining:
    vae: Path = Path("assets/weights/video_vae.safetensors")
    init: Path | None = None
    """A folder with dit.safetensors and text_encoder.safetensors to go on from; None: from nothing."""
    model: DiTConfig = field(default_factory=DiTConfig)
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            steps=8000, cooldown=2500, learning_rate=2.5e-3, adamw_share=0.6, ema=0.998, save_every=250
        )
    )
    # (height, width, frames), and how many clips of the store have it.
    clips: tuple[tuple[int, int, int, int], ...] = (
        (64, 64, 17, 12000),
        (48, 80, 17, 3000),
        (80, 48, 17, 3000),
        (64, 112, 17, 2000),
        (112, 64, 17, 2000),
        (96, 96, 17, 2000),
        (128, 128, 17, 1200),
        (64, 64, 33, 2400),
        (64, 64, 65, 1600),
        (48, 80, 33, 1200),
    )
    mix: Mix = field(default_factory=Mix)
    # Steps with a share of 0.6 of single frames, after which the share falls to the mix's over as many again: shape
    # and colour are learned on a fifth of the tokens. 0 when going on from trained weights.
    image_steps: int = 800
    keep_text: bool = False
    """Leave the text encoder as it is, so that the DiT goes on fitting the one that it was trained with."""
    seed: int = 0
    processes: int = 2


class Pair(nn.Module):
    """The two models that are trained together."""

    def __init__(self, config: DiTTraining) -> None:
        super().__init__()
        if config.init:
            self.dit = dit_model.load(config.init / "dit.safetensors").train().requires_grad_()
            self.text = text_model.load(config.init / "text_encoder.safetensors").train().requires_grad_()
        else:
            self.dit, self.text = DiT(config.model), TextEncoder(config.text)


class Source(Protocol):
    """Where other clips than the world's come from."""

    def clips(self, rank: int, processes: int) -> list[Clips]:
        """This process's share of the clips."""

    def judged(self, config: DiTConfig) -> list[Batch]:
        """What the validation loss is measured on."""


def train(config: DiTTraining, out: Path, resume: bool = True, source: Source | None = None) -> None:
    """Train, and leave checkpoint, curves and weights in `out`."""
    run_together(_worker, config.processes, config, out, resume, source)


def _worker(
    rank: int, processes: int, config: DiTTraining, out: Path, resume: bool, source: Source | None = None
) -> None:
    torch.manual_seed(config.seed)
    pair = Pair(config)
    pair.text.requires_grad_(not config.keep_text)
    vae = load_vae(config.vae)
    clips = source.clips(rank, processes) if source else world_clips(config, vae, out, rank, processes)
    judged = source.judged(pair.dit.config) if source else held_out_batches(config, vae, out)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        together = random.Random(f"{config.seed} {step}")
        rng = random.Random(f"{config.seed} {step} {rank}")
        mix = replace(config.mix, images=image_share(config, step))
        batch = draw_batch(together, rng, clips, mix, pair.dit.config)
        return noise_loss(pair, batch), {"clips": float(len(batch.lengths) * len(batch.texts))}

    def on_save(average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, Pair)
        dit_model.save(average.dit, out / "dit.safetensors", LATENT_SPACE)
        text_model.save(average.text, out / "text_encoder.safetensors", LATENT_SPACE)
        with torch.no_grad():
            return {"validation": sum(float(noise_loss(average, batch)) for batch in judged) / len(judged)}

    adamw = ("dit.enter", "dit.leave.", "dit.where", "dit.noise", "text.words", "text.places")
    fit(pair, loss, config.loop, out, rank=rank, resume=resume, adamw=adamw, on_save=on_save)


def noise_loss(pair: Pair, batch: Batch) -> Tensor:
    """Mean squared error of the prediction over the tokens that are to be made."""
    objective = pair.dit.config.objective
    noisy = add_noise(objective, batch.clean, batch.eps, batch.t)
    clips = len(batch.lengths)
    with torch.autocast(noisy.device.type, torch.bfloat16):
        text = pair.text.encode([text for row in batch.texts for text in row])
        words, mask = (
            rearrange(text.text, "(b s) m d -> b s m d", s=clips),
            rearrange(text.mask, "(b s) m -> b s m", s=clips),
        )
        prediction = pair.dit(noisy, batch.coords, batch.t, words, mask, batch.lengths)
    error = (prediction.float() - target(objective, batch.clean, batch.eps, batch.t)).square().mean(-1)
    return torch.sum(error * batch.made) / batch.made.sum()


def world_clips(config: DiTTraining, vae: VideoVAE, out: Path, rank: int, processes: int) -> list[Clips]:
    """This process's share of the world's clips: rendered and encoded the first time, with fresh captions each time."""
    clips = []
    for height, width, frames, count in config.clips:
        size = f"{height}x{width}x{frames}"
        seed = f"{config.seed} {size} {rank} of {processes}"
        path = out / "latents" / f"{size}-{rank}-of-{processes}.safetensors"
        latents = make_latents(vae, path, seed, max(1, count // processes), height, width, frames)
        clips.append(Clips(latents, _captions(seed, frames)))
    return clips


def _captions(seed: str, frames: int) -> Callable[[int, random.Random, bool, bool], str]:
    return lambda index, rng, long, still: caption(scene(seed, index, frames), rng, long=long, still=still)


def image_share(config: DiTTraining, step: int) -> float:
    """How often a step is of single frames."""
    if not config.image_steps:
        return config.mix.images
    past = max(0.0, step / config.image_steps - 1)
    return max(config.mix.images, 0.6 - (0.6 - config.mix.images) * past)


def held_out_batches(config: DiTTraining, vae: VideoVAE, out: Path, count: int = 48) -> list[Batch]:
    """The same clips of held-out combinations, captions and noise every time, at five levels of noise."""
    height, width, frames, _ = config.clips[0]
    seed = f"{config.seed} held out"
    path = out / "latents" / "held-out.safetensors"
    latents = make_latents(vae, path, seed, count, height, width, frames, held=True)
    clips = Clips(latents, lambda index, rng, long, still: caption(scene(seed, index, frames, held=True), rng))
    return judged_batches(clips, count, seed, config.model)
