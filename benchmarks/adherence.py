"""How well the shipped models follow prompts: `python -m benchmarks.adherence [--prompts 256] [--steps 20] ...`.

Makes a clip of 17 frames of 64 x 64 for each prompt of the fixed lists, has the judge say what it shows, and prints the
share that is right; beside it the judge's accuracy on rendered clips of the same scenes and on their reconstructions by
the video VAE, which no DiT can beat by much. Writes a contact sheet to be looked at: a judge is no eye.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from assets import weight_files
from assets.values import Clip
from benchmarks.judge.model import ATTRIBUTES, Judge, load_judge
from benchmarks.judge.report import row
from benchmarks.judge.verdicts import Verdict, judged, shares
from benchmarks.prompts import LISTS, Asked, fixed_prompts
from benchmarks.sheet import write_sheet
from benchmarks.studio import Studio, rendered, tensors

BAR = {"colour": 0.97, "background": 0.97, "shape": 0.9, "motion": 0.85, "all": 0.75}
_SHOWN = ("trained", "held out")


def main(
    prompts: Annotated[int, typer.Option(help="How many prompts of each list, at most.", min=1)] = 256,
    steps: Annotated[int, typer.Option(help="Sampling steps.", min=1)] = 20,
    guidance: Annotated[float, typer.Option(help="Classifier-free guidance scale; 1 is none.")] = 4.0,
    shift: Annotated[float, typer.Option(help="Time shift of the schedule; 0: by the size.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    weights: Annotated[Path, typer.Option(help="Folder of the weights files.")] = weight_files.BUILTIN,
    sheet: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("outputs/adherence.png"),
) -> None:
    """Measure how well the shipped models follow prompts, and write a contact sheet."""
    torch.set_num_threads(1)
    judge, _ = load_judge()
    studio = Studio(steps, guidance, shift, weights)
    asked = {name: fixed_prompts(name, min(prompts, LISTS[name][0])) for name in _SHOWN}
    table = Table("clips", "n", *ATTRIBUTES, "all four", title="Right by the judge", box=None, title_justify="left")
    made: list[Clip] = []
    verdicts: list[Verdict] = []
    for name, some in asked.items():
        began = time.perf_counter()
        clips = [studio.make(one.prompt, studio.canvas(), seed * 1000 + i) for i, one in enumerate(some)]
        seconds = (time.perf_counter() - began) / len(some)
        truth = [rendered(one.scene) for one in some]
        verdicts += verdicts_on(judge, some, clips, len(made))
        made += clips
        for kind, seen in (
            (f"made, {name}", clips),
            ("rendered", truth),
            ("VAE and back", [studio.reconstruct(clip) for clip in truth]),
        ):
            row(table, kind, shares(verdicts_on(judge, some, seen)), len(some))
    console = Console(soft_wrap=True)
    held = shares([one for one in verdicts if one.clip >= len(asked["trained"])])
    console.print(
        table,
        f"{steps} steps, guidance {guidance:g}, shift {shift:g}, seed {seed}; {seconds:.2f} s a clip, on one thread.",
        bar_sentence(held),
        sep="\n",
    )
    write_sheet(sheet, [one for some in asked.values() for one in some], made, verdicts)
    console.print(f"Contact sheet: {sheet}")


def verdicts_on(judge: Judge, asked: Sequence[Asked], clips: Sequence[Clip], first: int = 0) -> list[Verdict]:
    """The verdicts on clips of prompts; clips are counted from `first`."""
    found = judged(judge, [one.scene for one in asked], tensors(clips))
    return [Verdict(one.clip + first, one.facts, one.seen) for one in found]


def bar_sentence(got: dict[str, float]) -> str:
    """Whether the clips of held-out combinations meet the bar."""
    missed = [f"{name} {got[name]:.0%} of the {least:.0%}" for name, least in BAR.items() if got[name] < least]
    least = ", ".join(f"{name} {share:.0%}" for name, share in BAR.items())
    return f"The bar ({least}) is {'missed: ' + ', '.join(missed) if missed else 'met'}."


if __name__ == "__main__":
    typer.run(main)
