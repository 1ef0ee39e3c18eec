"""Train the captioner on latents of the world's clips: `train(config, out)`, resumed where `out` holds a checkpoint.

Needs the video VAE's weights. The clips are those of the DiT's store (see nodes/dit/latents.py): taken from the folder
`config.latents` where that holds them, else rendered and encoded into `out`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from nodes.captioner.config import CaptionerConfig
from nodes.captioner.facts import facts_right
from nodes.captioner.model import Captioner, save
from nodes.dit.latents import make_latents, scene
from nodes.training import checkpoint
from nodes.training.loop import LoopConfig, fit
from nodes.video_vae.model import load as load_vae
from nodes.world.captions import caption
from nodes.world.scene import BACKGROUNDS, COLOURS, MOTIONS, SHAPES, Scene
from nodes.writer.grammar import Cursor
from nodes.writer.words import Detail, numbers

# What each of two things is told by: its values, and one more for "no second thing".
_THING_FACTS: dict[str, tuple[str, ...]] = {"colour": tuple(COLOURS), "shape": SHAPES, "motion": MOTIONS}


@dataclass(frozen=True)
class CaptionerTraining:
    vae: Path = Path("assets/weights/video_vae.safetensors")
    model: CaptionerConfig = field(default_factory=CaptionerConfig)
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=1000, cooldown=450, learning_rate=2e-3, ema=0.995, save_every=250)
    )
    latents: Path | None = None
    # (height, width) of the frames, and how many clips to make where `latents` has none.
    clips: tuple[tuple[int, int, int], ...] = ((64, 64, 12000), (48, 80, 3000), (80, 48, 3000))
    batch: int = 48
    stills: float = 0.1
    noise: float = 0.1
    # Clips that the accuracy is measured on at every checkpoint.
    held_out: int = 200
    seed: int = 0


class Taught(nn.Module):
    """A captioner, and the heads that make its fact tokens tell the facts; only the captioner is kept."""

    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        self.captioner = Captioner(config)
        self.thing = nn.Linear(config.width, sum(len(values) + 1 for values in _THING_FACTS.values()))
        self.background = nn.Linear(config.width, len(BACKGROUNDS))

    def loss(self, latents: Tensor, scenes: Sequence[Scene], texts: list[list[int]]) -> tuple[Tensor, dict[str, float]]:
        """Cross entropy of the texts, and of the facts; latents (b c t h w). A still does not tell a motion."""
        memory = self.captioner.read(latents)
        error = self.captioner.writer.loss(texts, memory)
        told, sizes = self.thing(memory[:, :2]).float(), [len(values) + 1 for values in _THING_FACTS.values()]
        facts = [F.cross_entropy(self.background(memory[:, 2]).float(), _numbers(BACKGROUNDS, scenes, "background"))]
        for (name, values), scores in zip(_THING_FACTS.items(), told.split(sizes, dim=-1), strict=True):
            if name != "motion" or latents.shape[2] > 1:
                truth = torch.stack(
                    [_numbers(values, [_thing(scene, i) for scene in scenes], name) for i in range(2)], 1
                )
                facts.append(F.cross_entropy(scores.flatten(0, 1), truth.flatten()))
        known = torch.stack(facts).sum()
        return error + 0.25 * known, {"words": float(error.detach()), "facts": float(known.detach())}


def train(config: CaptionerTraining, out: Path, resume: bool = True) -> None:
    """Train, and leave `checkpoint.safetensors` and `curves.jsonl` in `out`. Weights are written by `export`."""
    torch.manual_seed(config.seed)
    model = Taught(config.model)
    store = Store(config, out)
    judged = held_out(config, out)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        latents, scenes, texts = store.batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            return model.loss(latents, scenes, texts)

    def on_save(average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, Taught)
        return accuracy(average.captioner, *judged)

    adamw = ("captioner.enter", "captioner.where", "captioner.facts", "captioner.writer.embed", "thing", "background")
    fit(model, loss, config.loop, out, resume=resume, adamw=adamw, on_save=on_save)


def export(config: CaptionerTraining, out: Path, path: Path) -> Captioner:
    """Write the trained average to the weights file at `path`, and return it."""
    average = Taught(config.model)
    checkpoint.restore(out / "checkpoint.safetensors", {"ema": average}, {})
    save(average.captioner, path)
    return average.captioner


class Store:
    """Latents, and from them the batch of each step: a function of (seed, step)."""

    def __init__(self, config: CaptionerTraining, out: Path) -> None:
        self.config = config
        self.latents: list[tuple[str, Tensor]] = []
        for height, width, count in config.clips:
            size = f"{height}x{width}"
            for path in sorted(config.latents.glob(f"{size}-*-of-*.safetensors")) if config.latents else []:
                _, rank, _, processes = path.stem.split("-")
                self.latents.append((f"{config.seed} {size} {rank} of {processes}", load_file(path)["latents"]))
            if not config.latents:
                path = out / "latents" / f"{size}-0-of-1.safetensors"
                seed = f"{config.seed} {size} 0 of 1"
                self.latents.append((seed, make_latents(load_vae(config.vae), path, seed, count, height, width)))

    def batch(self, step: int) -> tuple[Tensor, list[Scene], list[list[int]]]:
        rng = random.Random(f"captioner {self.config.seed} {step}")
        seed, latents = rng.choices(self.latents, [len(latents) for _, latents in self.latents])[0]
        still = rng.random() < self.config.stills
        picked = rng.sample(range(len(latents)), self.config.batch)
        scenes = [scene(seed, index) for index in picked]
        frames = (latents[picked, :, :1] if still else latents[picked]).float()
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        frames = frames + rng.uniform(0, self.config.noise) * torch.randn(frames.shape, generator=generator)
        details: list[Detail] = [rng.choice(("short", "descriptive")) for _ in picked]
        texts = [
            caption(shown, rng, long=detail == "descriptive", still=still)
            for shown, detail in zip(scenes, details, strict=True)
        ]
        return frames, scenes, [numbers(text, detail) for text, detail in zip(texts, details, strict=True)]


def held_out(config: CaptionerTraining, out: Path) -> tuple[Tensor, list[Scene]]:
    """Latents of clips whose combinations no training shows, and their scenes."""
    seed, path = "the captioner's held-out clips", out / "latents" / "held-out.safetensors"
    latents = make_latents(load_vae(config.vae), path, seed, config.held_out, 64, 64, held=True)
    return latents.float(), [scene(seed, index, held=True) for index in range(config.held_out)]


@torch.no_grad()
def accuracy(captioner: Captioner, latents: Tensor, scenes: Sequence[Scene]) -> dict[str, float]:
    """The share of short captions that tell each fact right."""
    return facts_right(
        captioner.writer.write(captioner.read(latents), "short", [Cursor("short") for _ in scenes]), scenes
    )


def _thing(scene: Scene, number: int) -> object:
    return scene.things[number] if number < len(scene.things) else None


def _numbers(values: tuple[str, ...], things: Sequence[object], name: str) -> Tensor:
    """The number of each thing's value, or one past the last for no thing: (b,)."""
    return torch.tensor([values.index(getattr(thing, name)) if thing else len(values) for thing in things])
