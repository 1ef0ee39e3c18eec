"""The judge's own accuracy: `python -m benchmarks.judge.measure [--clips 64]`.

On rendered clips of held-out combinations, and on the same clips through the shipped video VAE and back: what no
generated clip can beat by much.
"""

from __future__ import annotations

from typing import Annotated

import torch
import typer
from rich.console import Console

from assets import weight_files
from benchmarks.judge.kinds import KINDS, held_out
from benchmarks.judge.model import load_judge
from benchmarks.judge.report import table
from benchmarks.judge.verdicts import judged, shares
from nodes.video_vae.model import load as load_vae


def main(clips: Annotated[int, typer.Option(help="Clips of each kind.", min=1)] = 64) -> None:
    """Measure the judge."""
    torch.set_num_threads(1)
    judge, _ = load_judge()
    vae = load_vae(weight_files.BUILTIN / "video_vae.safetensors")
    rendered, through = {}, {}
    for kind in KINDS:
        scenes, frames = held_out(kind, clips)
        rendered[kind.name] = shares(judged(judge, scenes, frames))
        with torch.inference_mode():
            back = [vae.decode(vae.encode(clip[None]))[0].float() for clip in frames]
        through[kind.name] = shares(judged(judge, scenes, back))
    console = Console(soft_wrap=True)
    console.print(table(rendered), table(through, "Through the VAE and back"))


if __name__ == "__main__":
    typer.run(main)
