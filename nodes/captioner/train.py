"""Train the captioner on latents of the world's clips: `train(config, out)`, resumed where `out` holds a checkpoint.

Needs the video VAE's weights. The clips are those of the DiT's store (see nodes/dit/latents.py): taken from the folder
`config.latents` where that holds them, else rendered and encoded into `out`.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from nodes.captioner.config import CaptionerConfig
from nodes.captioner.facts import facts_right
from nodes.captioner.model import Captioner, load, save, spread
from nodes.dit.latents import make_latents, scene
from nodes.training import checkpoint
from nodes.training.loop import LoopConfig, fit
from nodes.video_vae.model import load as load_vae
from nodes.world.captions import caption
from nodes.world.scene import BACKGROUNDS, CAMERAS, COLOURS, MOTIONS, PASSES, PATTERNS, SHAPES, Scene
from nodes.writer.grammar import Cursor
from nodes.writer.words import Detail, numbers

# What each of two things is told by: its values, and one more for "no second thing".
_THING_FACTS: dict[str, tuple[str, ...]] = {
    "colour": tuple(COLOURS),
    "shape": SHAPES,
    "motion": MOTIONS,
    "pattern": PATTERNS,
}
# What the whole scene is told by.
_SCENE_FACTS: dict[str, tuple[str, ...]] = {"background": BACKGROUNDS, "camera": CAMERAS, "passes": ("", *PASSES)}
_IN_TIME = ("motion", "camera")


@dataclass(frozen=True)
class CaptionerTraining:
    vae: Path = Path("assets/weights/video_vae.safetensors")
    model: CaptionerConfig = field(default_factory=CaptionerConfig)
    init: Path | None = None
    """Weights to go on from; None: from nothing."""
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=1000, cooldown=450, learning_rate=2e-3, ema=0.995, save_every=250)
    )
    latents: Path | None = None
    # (height, width, frames) of clips, and how many to make where `latents` has none.
    clips: tuple[tuple[int, int, int, int], ...] = (
        (64, 64, 17, 12000),
        (48, 80, 17, 3000),
        (80, 48, 17, 3000),
        (64, 112, 17, 2000),
        (112, 64, 17, 2000),
        (96, 96, 17, 2000),
        (128, 128, 17, 1200),
        (64, 64, 33, 2400),
        (64, 64, 65, 1200),
    )
    # Of 64 x 64; larger clips come in batches of as many tokens.
    batch: int = 48
    hard: float = 0.5
    """The share of clips that show two things, and of those that show stripes or dots: the world has fewer."""
    stills: float = 0.1
    noise: float = 0.1
    # Clips that the accuracy is measured on at every checkpoint.
    held_out: int = 200
    seed: int = 0


class Taught(nn.Module):
    """A captioner, and the heads that make its fact tokens tell the facts; only the captioner is kept."""

    def __init__(self, captioner: Captioner) -> None:
        super().__init__()
        self.captioner = captioner
        width = captioner.config.width
        self.thing = nn.Linear(width, sum(len(values) + 1 for values in _THING_FACTS.values()))
        self.scene = nn.Linear(width, sum(map(len, _SCENE_FACTS.values())))

    def loss(self, latents: Tensor, scenes: Sequence[Scene], texts: list[list[int]]) -> tuple[Tensor, dict[str, float]]:
        """Cross entropy of the texts, and of the facts; latents (b c t h w). A still does not tell what moves."""
        memory = self.captioner.read(latents)
        error = self.captioner.writer.loss(texts, memory)
        still, facts = latents.shape[2] == 1, []
        seen = self.scene(memory[:, 2]).float().split([len(values) for values in _SCENE_FACTS.values()], dim=-1)
        for (name, values), scores in zip(_SCENE_FACTS.items(), seen, strict=True):
            if not (still and name in _IN_TIME):
                truth = torch.tensor([values.index(_of_scene(scene, name)) for scene in scenes])
                facts.append(F.cross_entropy(scores, truth))
        told = self.thing(memory[:, :2]).float().split([len(values) + 1 for values in _THING_FACTS.values()], dim=-1)
        for (name, values), scores in zip(_THING_FACTS.items(), told, strict=True):
            if not (still and name in _IN_TIME):
                truth = torch.tensor([[_of_thing(scene, i, name, values) for i in range(2)] for scene in scenes])
                facts.append(F.cross_entropy(scores.flatten(0, 1), truth.flatten()))
        known = torch.stack(facts).sum()
        return error + 0.25 * known, {"words": float(error.detach()), "facts": float(known.detach())}


def train(config: CaptionerTraining, out: Path, resume: bool = True) -> None:
    """Train, and leave `checkpoint.safetensors` and `curves.jsonl` in `out`. Weights are written by `export`."""
    torch.manual_seed(config.seed)
    model = Taught(load(config.init).train().requires_grad_() if config.init else Captioner(config.model))
    store = Store(config, out)
    judged = held_out(config, out)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        latents, scenes, texts = store.batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            return model.loss(latents, scenes, texts)

    def on_save(average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, Taught)
        return accuracy(average.captioner, *judged)

    adamw = ("captioner.enter", "captioner.where", "captioner.facts", "captioner.writer.embed", "thing", "scene")
    fit(model, loss, config.loop, out, resume=resume, adamw=adamw, on_save=on_save)


def export(config: CaptionerTraining, out: Path, path: Path) -> Captioner:
    """Write the trained average to the weights file at `path`, and return it."""
    average = Taught(Captioner(config.model))
    checkpoint.restore(out / "checkpoint.safetensors", {"ema": average}, {})
    save(average.captioner, path)
    return average.captioner


@dataclass(frozen=True)
class _Clips:
    """Latents (count z t h w) of one size, and their scenes."""

    latents: Tensor
    scenes: list[Scene]

    def picked(self, rng: random.Random, count: int, hard: float) -> list[int]:
        """Clips at random, of which the share `hard` shows two things, and the share `hard` patterns."""
        kinds = [(len(scene.things) == 2, any(t.pattern != "plain" for t in scene.things)) for scene in self.scenes]
        there = Counter(kinds)
        weight = {kind: math.prod(hard if is_so else 1 - hard for is_so in kind) / there[kind] for kind in there}
        return rng.choices(range(len(kinds)), [weight[kind] for kind in kinds], k=count)


class Store:
    """Latents, and from them the batch of each step: a function of (seed, step)."""

    def __init__(self, config: CaptionerTraining, out: Path) -> None:
        self.config = config
        self.clips: list[_Clips] = []
        for height, width, frames, count in config.clips:
            size = f"{height}x{width}x{frames}"
            for path in sorted(config.latents.glob(f"{size}-*-of-*.safetensors")) if config.latents else []:
                _, rank, _, processes = path.stem.split("-")
                self._add(load_file(path)["latents"], f"{config.seed} {size} {rank} of {processes}", frames)
            if not config.latents:
                path, seed = out / "latents" / f"{size}-0-of-1.safetensors", f"{config.seed} {size} 0 of 1"
                self._add(make_latents(load_vae(config.vae), path, seed, count, height, width, frames), seed, frames)

    def _add(self, latents: Tensor, seed: str, frames: int) -> None:
        self.clips.append(_Clips(latents, [scene(seed, index, frames) for index in range(len(latents))]))

    def batch(self, step: int) -> tuple[Tensor, list[Scene], list[list[int]]]:
        rng = random.Random(f"captioner {self.config.seed} {step}")
        clips = rng.choices(self.clips, [len(clips.scenes) for clips in self.clips])[0]
        still = rng.random() < self.config.stills
        _, _, _, high, wide = clips.latents.shape
        picked = clips.picked(rng, max(1, self.config.batch * 64 // (high * wide)), self.config.hard)
        scenes = [clips.scenes[index] for index in picked]
        read = [0] if still else spread(clips.latents.shape[2], self.config.model.frames)
        frames = clips.latents[picked][:, :, read].float()
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


def _of_scene(scene: Scene, name: str) -> str:
    first, *_ = scene.things
    return str(getattr(scene, name)) if name != "passes" else first.lane if first.lane in PASSES else ""


def _of_thing(scene: Scene, number: int, name: str, values: tuple[str, ...]) -> int:
    """The number of a thing's value, or one past the last where there is no such thing."""
    return values.index(getattr(scene.things[number], name)) if number < len(scene.things) else len(values)
