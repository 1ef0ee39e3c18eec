"""The tasks of the Sora report, each measured: `python -m benchmarks.tasks [ROW ...] [--clips 32] [--steps 20]`.

Every clip is made by the shipped nodes from the shipped weights, as the workflow of its task has them run, on scenes
and prompts of combinations that no training shows. Contact sheets of what was made go to `outputs/tasks`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from assets import weight_files
from benchmarks.judge.model import load_judge
from benchmarks.rows import edits, given, long, text, words
from benchmarks.rows.setting import Row, Setting
from benchmarks.studio import Studio

ROWS: dict[str, Callable[[Setting], list[Row]]] = {
    "text": text.text,
    "two": text.two,
    "sizes": text.sizes,
    "image": text.image,
    "animate": given.animate,
    "extend": given.extend,
    "loop": given.loop,
    "connect": given.connect,
    "edit": edits.edit,
    "inpaint": edits.inpaint,
    "keyframes": edits.keyframes,
    "long": long.long,
    "hidden": text.hidden,
    "recaption": words.recaption,
    "expand": words.expand,
}


def main(
    rows: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(ROWS)}; all if none is named.")] = None,
    clips: Annotated[int, typer.Option(help="How many clips a figure is taken of, at most.", min=1)] = 32,
    steps: Annotated[int, typer.Option(help="Sampling steps.", min=1)] = 20,
    guidance: Annotated[float, typer.Option(help="Classifier-free guidance scale.")] = 4.0,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    weights: Annotated[Path, typer.Option(help="Folder of the weights files.")] = weight_files.BUILTIN,
    sheets: Annotated[Path, typer.Option(help="Folder of the contact sheets.")] = Path("outputs/tasks"),
) -> None:
    """Measure the tasks."""
    torch.set_num_threads(1)
    console = Console(soft_wrap=True)
    unknown = set(rows or ()) - ROWS.keys()
    if unknown:
        raise typer.BadParameter(f"there is no row {', '.join(sorted(unknown))}; choose of {', '.join(ROWS)}")
    setting = Setting(Studio(steps, guidance, weights=weights), load_judge()[0], clips, sheets, seed)
    table = Table("task", "clips", "measured", "bar", "", box=None)
    for name in rows or ROWS:
        began = time.perf_counter()
        made = ROWS[name](setting)
        for row in made:
            mark = {True: "met", False: "missed", None: ""}[row.met]
            table.add_row(row.task, str(row.clips), row.figures, row.bar, mark)
            # At once too: the whole table takes a while.
            console.print(f"{row.task} ({row.clips} clips): {row.figures}. {mark}", highlight=False)
        console.print(f"  {time.perf_counter() - began:.0f} s", highlight=False)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
