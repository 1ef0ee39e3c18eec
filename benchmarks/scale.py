"""Does quality improve with training compute? `python -m benchmarks.scale [--steps 600] [--out runs/scale]`.

Three widths are trained from nothing on the same clips, in the same order, by the code that trains the family; the
validation loss is measured along the way. Compute is counted, forward and backward, not estimated. Writes
docs/images/scale.json and scale.svg. A run that was ended goes on. About 15 minutes on one core.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.chart import chart
from nodes.dit.batches import Mix, draw_batch
from nodes.dit.config import DiTConfig
from nodes.dit.train import DiTTraining, Pair, noise_loss, train, world_clips
from nodes.text_encoder.config import TextEncoderConfig
from nodes.training.loop import LoopConfig
from nodes.video_vae.model import load as load_vae

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDTHS = {64: 4, 128: 6, 192: 8}
"""Width of the DiT, and its depth; heads are 32 wide."""


@dataclass(frozen=True)
class Point:
    """The validation loss after so many steps, clips and floating point operations."""

    step: int
    clips: float
    flops: float
    validation: float


def main(
    steps: Annotated[int, typer.Option(help="Optimiser steps of each width.", min=10)] = 600,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs/scale"),
    draw: Annotated[bool, typer.Option(help="Train nothing; show what has been measured so far.")] = False,
) -> None:
    """Train three widths and show loss against compute."""
    look = measured if draw else measure
    runs = {f"width {width}": look(training(width, steps), out, f"width-{width}") for width in WIDTHS}
    write("scale", "Validation loss against training compute", {name: run for name, run in runs.items() if run})


def training(width: int, steps: int) -> DiTTraining:
    """The training of a small DiT on clips of 17 frames of 64 x 64, a third of them as single frames."""
    depth, heads = WIDTHS[width], width // 32
    return DiTTraining(
        model=DiTConfig(width=width, depth=depth, heads=heads, text_width=width),
        text=TextEncoderConfig(width=width, depth=max(1, depth // 3), heads=heads),
        loop=LoopConfig(
            steps=steps,
            warm_up=max(1, steps // 12),
            cooldown=steps // 2,
            learning_rate=2.5e-3,
            adamw_share=0.6,
            ema=0.98,
            save_every=steps // 10,
        ),
        clips=((64, 64, 17, 3000),),
        mix=Mix(rows=6, images=0.33, windows=0, given=0),
        image_steps=0,
        processes=1,
    )


def measure(config: DiTTraining, out: Path, name: str) -> list[Point]:
    """Train in `out / name`, or go on with it, and read what was measured."""
    torch.set_num_threads(1)
    run = out / name
    run.mkdir(parents=True, exist_ok=True)
    shared = out / "latents"
    shared.mkdir(exist_ok=True)
    if not (run / "latents").exists():
        (run / "latents").symlink_to(shared.resolve())
    train(config, run)
    return measured(config, out, name)


def measured(config: DiTTraining, out: Path, name: str) -> list[Point]:
    """What the run in `out / name` has measured so far."""
    run = out / name
    if not (run / "curves.jsonl").exists():
        return []
    each = flops_a_step(config, run)
    lines = [json.loads(line) for line in (run / "curves.jsonl").read_text().splitlines()]
    clips = [line["clips"] for line in lines if "clips" in line]
    mean = sum(clips) / max(1, len(clips))
    return [
        Point(line["step"], mean * line["step"], each * line["step"], line["validation"])
        for line in lines
        if "validation" in line
    ]


def flops_a_step(config: DiTTraining, run: Path, batches: int = 8) -> float:
    """Floating point operations of a training step, forward and backward, counted over a few batches."""
    pair = Pair(config)
    clips = world_clips(config, load_vae(config.vae), run, 0, 1)
    counter = FlopCounterMode(display=False)
    with counter:
        for step in range(batches):
            rng = random.Random(f"flops {step}")
            noise_loss(pair, draw_batch(rng, rng, clips, config.mix, config.model)).backward()  # type: ignore[no-untyped-call]
    return counter.get_total_flops() / batches


def write(name: str, title: str, runs: Mapping[str, list[Point]]) -> None:
    """Print a table of how each run ended, and write docs/images/<name>.json and .svg."""
    table = Table("run", "clips", "compute", "validation loss", box=None)
    for run, points in runs.items():
        last = points[-1]
        table.add_row(run, f"{last.clips:,.0f}", f"{last.flops / 1e12:,.1f} TFLOP", f"{last.validation:.3f}")
    Console(soft_wrap=True).print(table)
    IMAGES.mkdir(parents=True, exist_ok=True)
    content = {run: [asdict(point) for point in points] for run, points in runs.items()}
    (IMAGES / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    curves = {run: [(point.flops / 1e12, point.validation) for point in points] for run, points in runs.items()}
    (IMAGES / f"{name}.svg").write_text(chart(title, "training compute, TFLOP", "validation loss", curves))


if __name__ == "__main__":
    typer.run(main)
