"""What token dropping does at equal compute: `python -m benchmarks.dropping [--steps 600] [--out runs/scale]`.

A row of a batch holds as many tokens either way, so that with half of each clip's tokens dropped it holds twice as many
clips. Dropped at random, or those that are most like the frame before. Validation is on whole clips always. Writes
docs/images/dropping.json and dropping.svg. About four minutes on one core; the run with all tokens is that of the scale
report.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, get_args

import typer

from benchmarks.scale import measure, training, write
from nodes.dit.batches import Drop

NAMES: dict[Drop, str] = {"none": "all tokens", "random": "a random half", "similar": "the half that changes"}


def main(
    steps: Annotated[int, typer.Option(help="Optimiser steps of each way.", min=10)] = 600,
    width: Annotated[int, typer.Option(help="Width of the DiT: 64, 128 or 192.")] = 64,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs/scale"),
) -> None:
    """Train with all tokens, a random half, and the half that changes; show loss against compute."""
    runs = {}
    for drop in get_args(Drop):
        config = training(width, steps)
        # With all tokens it is the run of that width in the scale report.
        name = f"width-{width}" if drop == "none" else f"width-{width}-{drop}"
        runs[NAMES[drop]] = measure(replace(config, mix=replace(config.mix, drop=drop)), out, name)
    write("dropping", "Token dropping at equal compute", runs)


if __name__ == "__main__":
    typer.run(main)
