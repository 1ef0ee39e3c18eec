"""`patchloom train`: make the built-in weights again, stage by stage. Every run resumes from its folder."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from assets.weight_files import BUILTIN

train = typer.Typer(help="Train the built-in models; every run resumes from its folder.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Folder of the run: checkpoint, curves; resumed from if it holds a run.")]
Steps = Annotated[int | None, typer.Option(help="Optimiser steps in all; else as the shipped weights were trained.")]
Processes = Annotated[int, typer.Option(help="Training processes, one thread each.")]
Export = Annotated[Path, typer.Option(help="Where the finished weights go.")]


@train.command()
def world(
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("world.png"),
    clips: Annotated[int, typer.Option(help="Number of clips.")] = 16,
    seed: int = 0,
) -> None:
    """Draw clips of the procedural world with their captions on a contact sheet: look at what the models learn."""
    from nodes.world.sheet import sheet

    sheet(out, clips, seed)
    print(out)


@train.command()
def vae(out: Out = Path("runs/vae"), steps: Steps = None, processes: Processes = 2, export: Export = BUILTIN) -> None:
    """Train the causal video VAE on the world."""
    from nodes.video_vae import train as stage

    config = replace(stage.VideoVAETraining(), processes=processes)
    if steps:
        config = replace(config, loop=replace(config.loop, steps=steps))
    stage.train(config, out)
    stage.export(out, export / "video_vae.safetensors")
