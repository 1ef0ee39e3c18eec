"""Train the judge on rendered clips of one thing, mildly disturbed: `train(config, out)`, then `export(out)`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.judge.model import ATTRIBUTES, FRAMES, SIDE, WEIGHTS, Judge
from nodes.training import checkpoint
from nodes.training.loop import LoopConfig, fit
from nodes.world.render import render
from nodes.world.scene import Scene, sample_scene


@dataclass(frozen=True)
class JudgeTraining:
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=840, cooldown=300, learning_rate=2e-3, ema=0.99, save_every=250)
    )
    batch: int = 24
    # Clips that the accuracy is measured on at every checkpoint.
    held_out: int = 200
    seed: int = 0


def train(config: JudgeTraining, out: Path, resume: bool = True) -> None:
    """Train, and leave `checkpoint.safetensors` and `curves.jsonl` in `out`."""
    torch.manual_seed(config.seed)
    model = Judge().train()

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = random.Random(f"judge {config.seed} {step}")
        scenes = [sample_scene(rng, two=0) for _ in range(config.batch)]
        clips = disturbed(render(scenes, SIDE, SIDE, FRAMES), rng)
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(clips)
        errors = {
            name: F.cross_entropy(scores[name].float(), classes(scenes, name), label_smoothing=0.02)
            for name in ATTRIBUTES
        }
        return torch.stack(list(errors.values())).sum(), {name: float(error.detach()) for name, error in errors.items()}

    def on_save(average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, Judge)
        return accuracy(average, *held_out_clips(config.held_out))

    adamw = ("slow_enter", "fast_enter", "heads")
    fit(model, loss, config.loop, out, resume=resume, adamw=adamw, on_save=on_save)


def export(out: Path, path: Path = WEIGHTS, clips: int = 1000) -> dict[str, float]:
    """Write the trained average as bfloat16, with its accuracy on held-out clips, which is returned."""
    judge = Judge()
    checkpoint.restore(out / "checkpoint.safetensors", {"ema": judge}, {})
    judge = judge.bfloat16().float()
    measured = accuracy(judge, *held_out_clips(clips))
    weights = {key: value.bfloat16().contiguous() for key, value in judge.state_dict().items()}
    save_file(weights, path, {"judge": json.dumps({"accuracy": measured})})
    return measured


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


def classes(scenes: Sequence[Scene], name: str) -> Tensor:
    """The number of each scene's value of an attribute: (b,)."""
    return torch.tensor([ATTRIBUTES[name].index(shown(scene)[name]) for scene in scenes])


def shown(scene: Scene) -> dict[str, str]:
    """What a scene of one thing shows: attribute -> value."""
    (thing,) = scene.things
    return {"colour": thing.colour, "background": scene.background, "shape": thing.shape, "motion": thing.motion}


def held_out_clips(count: int) -> tuple[Tensor, list[dict[str, str]]]:
    """Undisturbed clips of combinations that no training shows, and what they show."""
    rng = random.Random("the judge's held-out clips")
    scenes = [sample_scene(rng, two=0, held=True) for _ in range(count)]
    return render(scenes, SIDE, SIDE, FRAMES), [shown(scene) for scene in scenes]


def accuracy(judge: Judge, clips: Tensor, truth: Sequence[dict[str, str]]) -> dict[str, float]:
    """The share of clips for which each attribute, and all of them, are judged right."""
    said = judge.judge(clips)
    right = {name: sum(a[name] == b[name] for a, b in zip(said, truth, strict=True)) for name in ATTRIBUTES}
    return {name: count / len(truth) for name, count in right.items()} | {
        "all": sum(a == b for a, b in zip(said, truth, strict=True)) / len(truth)
    }
