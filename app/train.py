"""`patchloom train`: make the built-in weights again, stage by stage. Every run resumes from its folder."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from assets.weight_files import BUILTIN

train = typer.Typer(help="Train the built-in models, stage by stage.", no_args_is_help=True)

Steps = Annotated[int | None, typer.Option(help="Optimiser steps in all; else as the shipped weights were trained.")]
Processes = Annotated[int, typer.Option(help="Training processes, one thread each.")]
Weights = Annotated[Path, typer.Option(help="Folder of the family's weights: read from and written to.")]


def out(stage: str) -> Any:
    help_text = "Folder of the run: checkpoint and curves; a run that is there goes on."
    return typer.Option(Path("runs") / stage, "--out", help=help_text)


@train.command()
def world(out: Path = out("world"), clips: int = 16, seed: int = 0) -> None:
    """Draw clips of the procedural world with their captions on a contact sheet: what the models learn from."""
    from nodes.world.train import WorldSheet
    from nodes.world.train import train as draw

    draw(WorldSheet(clips=clips, seed=seed), out)
    print(out / "contact-sheet.png")


@train.command()
def vae(out: Path = out("vae"), steps: Steps = None, processes: Processes = 2, weights: Weights = BUILTIN) -> None:
    """Train the causal video VAE on the world. All other models but the expander work on its latents: it comes first."""
    from nodes.video_vae.export import export
    from nodes.video_vae.train import VideoVAETraining
    from nodes.video_vae.train import train as fit

    fit(with_steps(VideoVAETraining(processes=processes), steps), out)
    export(out, weights / "video_vae.safetensors")


@train.command()
def dit(out: Path = out("dit"), steps: Steps = None, processes: Processes = 2, weights: Weights = BUILTIN) -> None:
    """Train the DiT and the text encoder together."""
    from nodes.dit.train import DiTTraining
    from nodes.dit.train import train as fit

    config = DiTTraining(vae=weights / "video_vae.safetensors", processes=processes)
    fit(with_steps(config, steps), out)
    for name in ("dit.safetensors", "text_encoder.safetensors"):
        shutil.copyfile(out / name, weights / name)


@train.command()
def captioner(out: Path = out("captioner"), steps: Steps = None, weights: Weights = BUILTIN) -> None:
    """Train the captioner on latents of the world."""
    from nodes.captioner.train import CaptionerTraining, export
    from nodes.captioner.train import train as fit

    config = with_steps(CaptionerTraining(vae=weights / "video_vae.safetensors"), steps)
    fit(config, out)
    export(config, out, weights / "captioner.safetensors")


@train.command()
def expander(out: Path = out("expander"), steps: Steps = None, weights: Weights = BUILTIN) -> None:
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
