"""Train the expander on prompts of the world and their descriptive captions. About three core-minutes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from nodes.expander.config import ExpanderConfig
from nodes.expander.model import Expander, save
from nodes.expander.prompts import prompt_and_caption
from nodes.training import checkpoint
from nodes.training.loop import LoopConfig, fit
from nodes.world.scene import sample_scene
from nodes.writer.words import numbers


@dataclass(frozen=True)
class ExpanderTraining:
    model: ExpanderConfig = field(default_factory=ExpanderConfig)
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=660, cooldown=210, learning_rate=2e-3, ema=0.99, save_every=300)
    )
    batch: int = 64
    seed: int = 0


def train(config: ExpanderTraining, out: Path, resume: bool = True) -> None:
    """Train, and leave `checkpoint.safetensors` and `curves.jsonl` in `out`. Weights are written by `export`."""
    torch.manual_seed(config.seed)
    model = Expander(config.model)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = random.Random(f"expander {config.seed} {step}")
        pairs = [prompt_and_caption(sample_scene(rng), rng) for _ in range(config.batch)]
        pairs.sort(key=lambda pair: len(pair[0]))
        with torch.autocast("cpu", torch.bfloat16):
            error = model.loss([prompt for prompt, _ in pairs], [numbers(text, "descriptive") for _, text in pairs])
        return error, {}

    def on_save(average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, Expander)
        return {"held_out": held_out_loss(average)}

    fit(model, loss, config.loop, out, resume=resume, adamw=("embed", "places", "writer.embed"), on_save=on_save)


def export(config: ExpanderTraining, out: Path, path: Path) -> Expander:
    """Write the trained average to the weights file at `path`, and return it."""
    average = Expander(config.model)
    checkpoint.restore(out / "checkpoint.safetensors", {"ema": average}, {})
    save(average, path)
    return average


def held_out_loss(model: Expander, prompts: int = 128) -> float:
    """The loss on prompts of held-out combinations, the same ones every time."""
    rng = random.Random("the expander's held-out prompts")
    pairs = [prompt_and_caption(sample_scene(rng, held=True), rng) for _ in range(prompts)]
    with torch.no_grad():
        return float(model.loss([prompt for prompt, _ in pairs], [numbers(text, "descriptive") for _, text in pairs]))
