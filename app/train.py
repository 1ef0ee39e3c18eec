"""`patchloom train`: make the built-in weights again, stage by stage. Every run resumes from its folder."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from assets.weight_files import BUILTIN

train = typer.Typer(help="Train the built-in models, stage by stage.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Folder of the run: checkpoint and curves; a run that is there goes on.")]
Steps = Annotated[int | None, typer.Option(help="Optimiser steps in all; else as the shipped weights were trained.")]
Processes = Annotated[int, typer.Option(help="Training processes, one thread each.")]
Weights = Annotated[Path, typer.Option(help="Folder of the family's weights: read from and written to.")]


@train.command()
def world(out: Out = Path("runs/world"), clips: int = 16, seed: int = 0) -> None:
    """Draw clips of the procedural world with their captions on a contact sheet: what the models learn from."""
    from nodes.world.train import WorldSheet
    from nodes.world.train import train as draw

    draw(WorldSheet(clips=clips, seed=seed), out)
    print(out / "contact-sheet.png")


@train.command()
def vae(out: Out = Path("runs/vae"), steps: Steps = None, processes: Processes = 2, weights: Weights = BUILTIN) -> None:
    """Train the causal video VAE on the world. It comes first: the others work on its latents."""
    from nodes.video_vae.export import export
    from nodes.video_vae.train import VideoVAETraining
    from nodes.video_vae.train import train as fit

    fit(with_steps(VideoVAETraining(processes=processes), steps), out)
    export(out, weights / "video_vae.safetensors")


@train.command()
def dit(out: Out = Path("runs/dit"), steps: Steps = None, processes: Processes = 2, weights: Weights = BUILTIN) -> None:
    """Train the DiT and the text encoder together."""
    from nodes.dit.train import DiTTraining
    from nodes.dit.train import train as fit

    config = DiTTraining(vae=weights / "video_vae.safetensors", processes=processes)
    fit(with_steps(config, steps), out)
    for name in ("dit.safetensors", "text_encoder.safetensors"):
        shutil.copyfile(out / name, weights / name)


@train.command()
def captioner(out: Out = Path("runs/captioner"), steps: Steps = None, weights: Weights = BUILTIN) -> None:
    """Train the captioner on latents of the world."""
    from nodes.captioner.train import CaptionerTraining, export
    from nodes.captioner.train import train as fit

    config = with_steps(CaptionerTraining(vae=weights / "video_vae.safetensors"), steps)
    fit(config, out)
    export(config, out, weights / "captioner.safetensors")


@train.command()
def expander(out: Out = Path("runs/expander"), steps: Steps = None, weights: Weights = BUILTIN) -> None:
    """Train the prompt expander on captions of the world."""
    from nodes.expander.train import ExpanderTraining, export
    from nodes.expander.train import train as fit

    config = with_steps(ExpanderTraining(), steps)
    fit(config, out)
    export(config, out, weights / "expander.safetensors")


def with_steps(config: Any, steps: int | None) -> Any:
    """A training's config with another number of steps; its cooldown falls with it where it has to."""
    if steps is None:
        return config
    loop = replace(config.loop, steps=steps, cooldown=min(config.loop.cooldown, steps // 3))
    return replace(config, loop=loop)
