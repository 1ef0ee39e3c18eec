"""Train the DiT and the text encoder together: `train(config, out)`, resumed from `out` where it holds a checkpoint.

Needs the video VAE's weights. First renders and encodes `config.clips` clips (kept in `out`), then trains on them, at
first on single frames mostly: shape and colour are learned on a fifth of the tokens. Every checkpoint also writes
`dit.safetensors` and `text_encoder.safetensors`, the moving averages, to `out`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor, nn

from nodes.dit import model as dit_model
from nodes.dit.config import DiTConfig
from nodes.dit.latents import make_latents, scene
from nodes.dit.masks import given_tokens
from nodes.dit.model import DiT
from nodes.dit.objectives import add_noise, target
from nodes.patches.layout import grid_coords, patchify
from nodes.text_encoder import model as text_model
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.model import TextEncoder
from nodes.training.loop import LoopConfig, fit
from nodes.training.processes import run_together
from nodes.video_vae.config import LATENT_SPACE
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import load as load_vae
from nodes.world.captions import caption


@dataclass(frozen=True)
class DiTTraining:
    vae: Path = Path("assets/weights/video_vae.safetensors")
    model: DiTConfig = field(default_factory=DiTConfig)
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            steps=4990, cooldown=1750, learning_rate=2.5e-3, adamw_share=0.6, ema=0.998, save_every=250
        )
    )
    # (height, width) of the frames, and how many clips of the store have it.
    clips: tuple[tuple[int, int, int], ...] = ((64, 64, 16000), (48, 80, 4000), (80, 48, 4000))
    clips_in_batch: int = 32
    images_in_batch: int = 128
    # Steps with a share of 0.6 of single frames, after which the share falls to 0.1 over as many again.
    image_steps: int = 800
    null_text: float = 0.1
    seed: int = 0
    processes: int = 2


class Pair(nn.Module):
    """The two models that are trained together."""

    def __init__(self, config: DiTTraining) -> None:
        super().__init__()
        self.dit, self.text = DiT(config.model), TextEncoder(config.text)


@dataclass(frozen=True)
class Batch:
    latents: Tensor
    """(b z t h w)"""
    texts: list[str]
    given: Tensor
    """(b n) bool"""
    t: Tensor
    """(b,): the noise level of the tokens that are to be made."""
    eps: Tensor
    """(b n d)"""


def train(config: DiTTraining, out: Path, resume: bool = True) -> None:
    """Train, and leave checkpoint, curves and weights in `out`."""
    run_together(_worker, config.processes, config, out, resume)


def _worker(rank: int, processes: int, config: DiTTraining, out: Path, resume: bool) -> None:
    torch.manual_seed(config.seed)
    pair = Pair(config)
    store = Store(config, load_vae(config.vae), out, rank, processes)
    judged = held_out_batches(config, load_vae(config.vae), out)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        batch = store.batch(step)
        value = noise_loss(pair, batch)
        return value, {"image_loss" if batch.latents.shape[2] == 1 else "clip_loss": float(value.detach())}

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
    config = pair.dit.config
    _, _, *size = batch.latents.shape
    grid = tuple(side // unit for side, unit in zip(size, config.patch, strict=True))
    clean = patchify(batch.latents.float(), config.patch)
    coords = grid_coords(*grid).expand(len(clean), -1, -1)
    t = torch.where(batch.given, 0.0, rearrange(batch.t, "b -> b 1"))
    noisy = add_noise(config.objective, clean, batch.eps, t)
    with torch.autocast(clean.device.type, torch.bfloat16):
        text = pair.text.encode(batch.texts)
        prediction = pair.dit(noisy, coords, t, text.text, text.mask)
    error = (prediction.float() - target(config.objective, clean, batch.eps)).square().mean(-1)
    made = ~batch.given
    return torch.sum(error * made) / made.sum()


class Store:
    """The latents of this process, and from them the batch of each step: a function of (seed, step, rank)."""

    def __init__(self, config: DiTTraining, vae: VideoVAE, out: Path, rank: int, processes: int) -> None:
        self.config, self.rank = config, rank
        self.latents: list[tuple[str, Tensor]] = []
        for height, width, count in config.clips:
            seed = f"{config.seed} {height}x{width} {rank} of {processes}"
            path = out / "latents" / f"{height}x{width}-{rank}-of-{processes}.safetensors"
            self.latents.append((seed, make_latents(vae, path, seed, count // processes, height, width)))

    def batch(self, step: int) -> Batch:
        together = random.Random(f"{self.config.seed} {step}")  # alike in all processes: equal work
        sizes = [count for *_, count in self.config.clips]
        (seed, latents), image = together.choices(self.latents, sizes)[0], together.random() < self._image_share(step)
        long = together.random() < 0.35  # captions of one length in a batch: half the padding
        rng = random.Random(f"{self.config.seed} {step} {self.rank}")
        picked = rng.sample(range(len(latents)), self.config.images_in_batch if image else self.config.clips_in_batch)
        frames = latents[picked, :, :1] if image else latents[picked]
        texts = [caption(scene(seed, index), rng, long=long, still=image) for index in picked]
        texts = ["" if rng.random() < self.config.null_text else text for text in texts]
        return make_batch(frames, texts, rng, self.config.model)

    def _image_share(self, step: int) -> float:
        past = max(0.0, step / max(1, self.config.image_steps) - 1)
        return max(0.1, 0.6 - 0.5 * past)


def make_batch(latents: Tensor, texts: list[str], rng: random.Random, config: DiTConfig) -> Batch:
    """Draw arrangement, noise and its level: t = sigmoid(N(0, 1)) for flow (Esser et al. 2024), else uniform."""
    generator = torch.Generator().manual_seed(rng.getrandbits(63))
    count, _, *size = latents.shape
    t_, h, w = (side // unit for side, unit in zip(size, config.patch, strict=True))
    given = torch.stack([given_tokens(rng, (t_, h, w)) for _ in texts])
    t = torch.randn(count, generator=generator).sigmoid()
    t = t if config.objective == "flow" else torch.rand(count, generator=generator)
    eps = torch.randn(count, t_ * h * w, config.token_width, generator=generator)
    return Batch(latents, texts, given, t, eps)


def held_out_batches(config: DiTTraining, vae: VideoVAE, out: Path, count: int = 48) -> list[Batch]:
    """The same clips of held-out combinations, captions and noise every time, at five levels of noise."""
    height, width, _ = config.clips[0]
    seed = f"{config.seed} held out"
    latents = make_latents(vae, out / "latents" / "held-out.safetensors", seed, count, height, width, held=True)
    rng = random.Random(seed)
    texts = [caption(scene(seed, index, held=True), rng) for index in range(count)]
    batch = make_batch(latents, texts, rng, config.model)
    none = torch.zeros_like(batch.given)
    levels = (0.1, 0.3, 0.5, 0.7, 0.9)
    return [Batch(latents, texts, none, torch.full((count,), level), batch.eps) for level in levels]
