"""Train the video VAE on clips of the world: `train(config, out)`, resumed from `out` where it holds a checkpoint.

Loss: L1 + MSE + L1 of the gradients in space and time + a light KL term. No discriminator, no perceptual network.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
from einops import reduce
from torch import Tensor, nn

from nodes.training.loop import LoopConfig, fit
from nodes.training.processes import run_together
from nodes.video_vae.config import VideoVAEConfig
from nodes.video_vae.export import export
from nodes.video_vae.model import VideoVAE, load
from nodes.world.render import cover, render
from nodes.world.scene import lasting, sample_scene

FURTHER = LoopConfig(steps=1000, warm_up=30, cooldown=700, learning_rate=1e-3, ema=0.99, save_every=200)
"""For going on from trained weights."""


@dataclass(frozen=True)
class VideoVAETraining:
    model: VideoVAEConfig = field(default_factory=VideoVAEConfig)
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=3100, cooldown=1200, ema=0.995, save_every=250))
    init: Path | None = None
    """Weights to start from; None: from nothing."""
    decoder_only: bool = False
    """Leave the encoder as it is: latents made before, and models trained on them, stay good."""
    # (height, width, frames, clips in a batch), drawn evenly.
    batches: tuple[tuple[int, int, int, int], ...] = (
        (64, 64, 9, 12),
        (64, 64, 9, 12),
        (64, 64, 17, 7),
        (48, 80, 9, 12),
        (80, 48, 9, 12),
        (64, 112, 9, 7),
        (112, 64, 9, 7),
        (96, 96, 9, 5),
        (128, 128, 5, 5),
        (64, 64, 33, 3),
    )
    kl: float = 2e-4
    motion: float = 1.0
    """The weight of errors in the step from frame to frame."""
    seams: float = 4.0
    """How much more such a step weighs where one latent frame ends and the next begins: there decoded clips jump."""
    seed: int = 0
    processes: int = 2


def train(config: VideoVAETraining, out: Path, resume: bool = True) -> None:
    """Train, and leave the checkpoint, the curves and at last the weights, `video_vae.safetensors`, in `out`."""
    run_together(_worker, config.processes, config, out, resume)
    export(out, out / "video_vae.safetensors", config.model, measure=not config.decoder_only)


def _worker(rank: int, processes: int, config: VideoVAETraining, out: Path, resume: bool) -> None:
    torch.manual_seed(config.seed)
    model = VideoVAE(config.model)
    if config.init:
        model.load_state_dict(load(config.init).state_dict())
    model.encoder.requires_grad_(not config.decoder_only)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        clips, weight = training_clips(config, step, rank)
        return reconstruction_loss(model, clips, weight, config, seed=step * processes + rank)

    def on_save(average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, VideoVAE)
        whole, things = psnr(average)
        return {"held_out_psnr": whole, "held_out_psnr_of_things": things}

    adamw = ("encoder.enter", "encoder.leave", "decoder.enter", "decoder.leave")
    fit(model, loss, config.loop, out, rank=rank, resume=resume, adamw=adamw, on_save=on_save)


def training_clips(config: VideoVAETraining, step: int, rank: int) -> tuple[Tensor, Tensor]:
    """The clips (b 3 t h w) of one step in one process, and their weights (b 1 t h w): a function of its arguments.

    A thing is a tenth of the picture and most of its meaning, and what moves fast blurs first. So the pixels of things
    weigh more, and somewhat more all along their paths, where ghosts appear.
    """
    rng = random.Random(f"{config.seed} {step} {rank}")
    size = random.Random(f"{config.seed} {step}").choice(config.batches)  # alike in all processes: equal work
    height, width, frames, clips = size
    scenes = [lasting(sample_scene(rng), frames) for _ in range(clips)]
    starts = [rng.randint(0, max(17, frames) - frames) for _ in scenes]
    things = cover(scenes, height, width, frames, start=starts)
    weight = 1 + 2 * things.amax(dim=2, keepdim=True) + 5 * things
    return render(scenes, height, width, frames, start=starts), weight / weight.mean()


def reconstruction_loss(
    model: VideoVAE, clips: Tensor, weight: Tensor, config: VideoVAETraining, seed: int
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a batch, weighted by pixel, and its PSNR in dB, not weighted."""
    with torch.autocast(clips.device.type, torch.bfloat16):
        mean, log_variance = model.encoder(clips)[0].float().chunk(2, dim=1)
        log_variance = log_variance.clamp(-12, 4)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed)).to(mean)
        decoded, _ = model.decoder(mean + noise * torch.exp(log_variance / 2))
    decoded = decoded.float()[:, :, model.config.time_factor - 1 :]
    error = decoded - clips
    mse = error.square().mean()
    gradients = (weight[..., 1:] * error.diff(dim=-1).abs()).mean() + (
        weight[..., 1:, :] * error.diff(dim=-2).abs()
    ).mean()
    steps = (weight[:, :, 1:] * error.diff(dim=2).abs()).mean(dim=(0, 1, 3, 4))
    across = torch.arange(len(steps)) % model.config.time_factor == 0
    steps = torch.where(across, config.seams, 1.0).to(steps) @ steps / max(1, len(steps))
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    kept = (weight * error.abs()).mean() + 2 * (weight * error.square()).mean()
    return kept + 0.25 * gradients + config.motion * steps + config.kl * divergence, {
        "psnr": float(10 * torch.log10(4 / mse.detach())),
        "weighted_psnr": float(10 * torch.log10(4 / (weight * error.detach().square()).mean())),
        "kl": float(divergence.detach()),
    }


@torch.no_grad()
def psnr(model: VideoVAE, clips: int = 24) -> tuple[float, float]:
    """Mean PSNR in dB over clips of held-out combinations, 17 frames of 64 x 64: of all pixels, and of things alone."""
    rng = random.Random("held-out clips")
    scenes = [sample_scene(rng, held=True) for _ in range(clips)]
    frames, things = render(scenes, 64, 64, 17), cover(scenes, 64, 64, 17)
    with torch.autocast(frames.device.type, torch.bfloat16):
        decoded = model.decode(model.encode(frames)).float()
    error = reduce((decoded - frames) ** 2, "b c t h w -> b 1 t h w", "mean")
    of_things = (error * things).sum(dim=(1, 2, 3, 4)) / things.sum(dim=(1, 2, 3, 4))
    whole, part = (float((10 * torch.log10(4 / mse)).mean()) for mse in (error.mean(dim=(1, 2, 3, 4)), of_things))
    return whole, part
