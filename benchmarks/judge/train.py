"""Train the judge on rendered clips of many kinds, mildly disturbed: `train(config, out)`, then `export(out)`."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.judge.kinds import KINDS, Kind, batch, held_out, views
from benchmarks.judge.model import ATTRIBUTES, WEIGHTS, Accuracy, Judge
from benchmarks.judge.verdicts import judged, shares
from nodes.training import checkpoint
from nodes.training.loop import LoopConfig, fit
from nodes.world.scene import Scene


@dataclass(frozen=True)
class JudgeTraining:
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=1400, cooldown=600, learning_rate=2e-3, ema=0.99, save_every=200)
    )
    kinds: tuple[Kind, ...] = KINDS
    # Clips of each kind that the accuracy is measured on at every checkpoint.
    held_out: int = 24
    init: Path | None = None
    """The weights of a judge to go on from, as far as they fit; None: from nothing."""
    seed: int = 0


def train(config: JudgeTraining, out: Path, resume: bool = True) -> None:
    """Train, and leave `checkpoint.safetensors` and `curves.jsonl` in `out`."""
    torch.manual_seed(config.seed)
    model = Judge().train()
    if config.init:
        model.load_state_dict(load_file(config.init), strict=False)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = random.Random(f"judge {config.seed} {step}")
        (kind,) = rng.choices(config.kinds, [kind.share for kind in config.kinds])
        scenes, clips = batch(kind, rng)
        errors = judge_errors(model, scenes, disturbed(clips, rng))
        return torch.stack(list(errors.values())).sum(), {k: float(error.detach()) for k, error in errors.items()}

    def on_save(average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, Judge)
        return {name: measured["all"] for name, measured in accuracy(average, config.kinds, config.held_out).items()}

    adamw = ("slow_enter", "fast_enter", "heads")
    fit(model, loss, config.loop, out, resume=resume, adamw=adamw, on_save=on_save)


def judge_errors(model: Judge, scenes: list[Scene], clips: Tensor) -> dict[str, Tensor]:
    """The mean cross-entropy of each attribute that can be seen in the clips (b 3 t h w)."""
    scores: dict[str, list[Tensor]] = {name: [] for name in ATTRIBUTES}
    truth: dict[str, list[int]] = {name: [] for name in ATTRIBUTES}
    for view in views(scenes, clips):
        with torch.autocast(clips.device.type, torch.bfloat16):
            said = model(view.clips)
        for row, look in enumerate(view.looks):
            for name, value in look.facts.items():
                scores[name].append(said[name][row])
                truth[name].append(ATTRIBUTES[name].index(value))
    return {
        name: F.cross_entropy(torch.stack(rows).float(), torch.tensor(truth[name]), label_smoothing=0.02)
        for name, rows in scores.items()
        if rows
    }


def export(out: Path, path: Path = WEIGHTS, clips: int = 500) -> Accuracy:
    """Write the trained average as bfloat16, with its accuracy on held-out clips, which is returned."""
    judge = Judge()
    checkpoint.restore(out / "checkpoint.safetensors", {"ema": judge}, {})
    judge = judge.bfloat16().float()
    measured = accuracy(judge, KINDS, clips)
    weights = {key: value.bfloat16().contiguous() for key, value in judge.state_dict().items()}
    save_file(weights, path, {"judge": json.dumps({"accuracy": measured})})
    return measured


def accuracy(judge: Judge, kinds: tuple[Kind, ...], count: int) -> Accuracy:
    """For each kind, on `count` rendered clips of held-out combinations: the share judged right of each attribute."""
    return {kind.name: shares(judged(judge, *held_out(kind, count))) for kind in kinds}


def disturbed(clips: Tensor, rng: random.Random) -> Tensor:
    """Clips (b 3 t h w), shifted by up to two pixels; half of them blurred and noisy too, as generated clips may be."""
    clips = torch.stack([shifted(clip, rng.randint(-2, 2), rng.randint(-2, 2)) for clip in clips])
    half = len(clips) // 2
    noise = torch.randn(clips[:half].shape, generator=torch.Generator().manual_seed(rng.getrandbits(32)))
    rough = blurred(clips[:half], rng.uniform(0, 0.3)) + rng.uniform(0, 0.1) * noise
    contrast, light = rng.uniform(0.9, 1.1), rng.uniform(-0.06, 0.06)
    return (torch.cat([rough, clips[half:]]) * contrast + light).clamp(-1, 1)


def shifted(clip: Tensor, down: int, right: int) -> Tensor:
    """A clip (3 t h w) moved by pixels; its edge is repeated."""
    height, width = clip.shape[-2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return clip[:, :, rows[:, None], columns]


def blurred(clips: Tensor, share: float) -> Tensor:
    """Clips (b 3 t h w) whose pixels take `share` (0 to 0.33) of their value from either neighbour, both ways."""
    clips = clips.clone()
    for near, middle, far in (
        (clips[..., :-2], clips[..., 1:-1], clips[..., 2:]),
        (clips[..., :-2, :], clips[..., 1:-1, :], clips[..., 2:, :]),
    ):
        middle.copy_((1 - 2 * share) * middle + share * (near + far))
    return clips
