"""`patchloom train`: make the built-in weights again, stage by stage. Every run resumes from its folder."""

import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from app.workflow_argument import Device, Home
from assets.weight_files import BUILTIN

train = typer.Typer(help="Train the built-in models, stage by stage, or on clips of your own.", no_args_is_help=True)

T = TypeVar("T")

Out = Annotated[Path, typer.Option(help="Folder of the run: checkpoint and curves; a run that is there goes on.")]
OwnOut = Annotated[Path | None, typer.Option(help="Folder of the run, that goes on if it is there; else below runs/.")]
Steps = Annotated[int | None, typer.Option(help="Optimiser steps in all; else as the shipped weights were trained.")]
Processes = Annotated[int, typer.Option(help="Training processes, one thread each.")]
Folder = Annotated[Path, typer.Argument(help="Your clips and images, also in folders below it.")]
Further = Annotated[
    bool, typer.Option("--further", help="Go on from the weights that are there, as the shipped ones were trained on.")
]
Weights = Annotated[Path, typer.Option(help="Folder of the family's weights: read from and written to.")]


@train.command()
def world(out: Out = Path("runs/world"), clips: int = 16, seed: int = 0) -> None:
    """Draw clips of the procedural world with their captions on a contact sheet: what the models learn from."""
    from nodes.world.train import WorldSheet
    from nodes.world.train import train as draw

    draw(WorldSheet(clips=clips, seed=seed), out)
    print(out / "contact-sheet.png")


@train.command()
def vae(
    out: Out = Path("runs/vae"),
    steps: Steps = None,
    further: Further = False,
    processes: Processes = 2,
    weights: Weights = BUILTIN,
) -> None:
    """Train the causal video VAE on the world. It comes first: the others work on its latents."""
    from nodes.video_vae.train import FURTHER, VideoVAETraining
    from nodes.video_vae.train import train as fit

    config = VideoVAETraining(processes=processes)
    if further:
        # The decoder alone: latents, and the models trained on them, stay good.
        config = replace(config, init=weights / "video_vae.safetensors", loop=FURTHER, decoder_only=True)
    fit(with_steps(config, steps), out)
    shutil.copyfile(out / "video_vae.safetensors", weights / "video_vae.safetensors")


@train.command()
def preview(weights: Weights = BUILTIN) -> None:
    """Fit the small decoder that draws latents at every sampling step to the video VAE."""
    from nodes.preview.train import PreviewTraining
    from nodes.preview.train import train as fit

    fit(PreviewTraining(vae=weights / "video_vae.safetensors"), weights / "preview.safetensors")


@train.command()
def dit(
    out: OwnOut = None,
    steps: Steps = None,
    further: Further = False,
    processes: Processes = 2,
    weights: Weights = BUILTIN,
    data: Annotated[
        Path | None, typer.Option(help="Go on from the weights, on clips of your own in this folder.")
    ] = None,
) -> None:
    """Train the DiT and the text encoder together; or, with --data, the DiT further on clips of your own."""
    from nodes.dit.train import FURTHER, DiTTraining
    from nodes.dit.train import train as fit

    if data:
        train_on_own(data, out or run_of("dit", data), steps, processes, weights)
        return
    out = out or Path("runs/dit")
    config = DiTTraining(vae=weights / "video_vae.safetensors", processes=processes)
    if further:
        config = replace(config, init=weights, loop=FURTHER, image_steps=0)
    fit(with_steps(config, steps), out)
    for name in ("dit.safetensors", "text_encoder.safetensors"):
        shutil.copyfile(out / name, weights / name)


def train_on_own(folder: Path, out: Path, steps: int | None, processes: int, weights: Path) -> None:
    """Train the DiT of `weights` further on a folder of clips with their texts; the result stays in `out`."""
    from nodes.dit.batches import Mix
    from nodes.dit.own_clips import OwnClips
    from nodes.dit.train import DiTTraining
    from nodes.dit.train import train as fit
    from nodes.training.loop import LoopConfig

    source = OwnClips(folder, weights / "video_vae.safetensors", out / "latents")
    said_plainly(lambda: say_what_is_learned_from(source))
    loop = LoopConfig(
        steps=1000, warm_up=50, cooldown=500, learning_rate=5e-4, adamw_share=0.6, ema=0.99, save_every=100
    )
    config = DiTTraining(
        source.vae, init=weights, loop=loop, mix=Mix(rows=4), image_steps=0, keep_text=True, processes=processes
    )
    said_plainly(lambda: fit(with_steps(config, steps), out, source=source))
    print(f"{out / 'dit.safetensors'}: copy it to the inputs of your workspace and open it with the node load_dit")


@train.command()
def lora(
    folder: Folder,
    out: OwnOut = None,
    steps: Steps = None,
    rank: Annotated[
        int, typer.Option(help="Of the adapters: more can learn more, and the file grows with it.", min=1)
    ] = 8,
    preview_every: Annotated[int, typer.Option(help="Write a preview and the LoRA every so many steps.", min=1)] = 50,
    prompt: Annotated[str, typer.Option(help="What previews show; else the text of the first clip.")] = "",
    weights: Weights = BUILTIN,
) -> None:
    """Train a LoRA on clips and images of your own, each with a text beside it (see recaption)."""
    from nodes.dit.own_clips import OwnClips
    from nodes.dit.train_lora import LoRATraining
    from nodes.dit.train_lora import train as fit

    out = out or run_of("lora", folder)
    source = OwnClips(folder, weights / "video_vae.safetensors", out / "latents")
    said_plainly(lambda: say_what_is_learned_from(source))
    config = with_steps(LoRATraining(folder, weights, rank, alpha=rank, prompt=prompt), steps)
    config = replace(config, loop=replace(config.loop, save_every=preview_every))
    said_plainly(lambda: fit(config, out))
    print(f"{out / 'lora.safetensors'}: copy it to the inputs of your workspace and open it with the node load_lora")


def run_of(kind: str, folder: Path) -> Path:
    """Where a training on a folder is kept, unless it is said: another folder's goes elsewhere."""
    return Path("runs") / f"{kind}-{folder.resolve().name}"


def say_what_is_learned_from(source: Any) -> None:
    """Read and encode the clips; say how many there are, and which words of their texts the family does not know."""
    from nodes.dit.own_clips import split, unknown_words

    shown = source.encoded()
    trained, held = split(shown)
    print(f"{len(trained)} clips to train on, {len(held)} to measure on")
    if unknown := unknown_words(shown):
        print(f"words that the family does not know, and leaves out: {', '.join(unknown[:20])}")


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


@train.command()
def recaption(
    folder: Folder,
    detail: Annotated[Literal["short", "descriptive"], typer.Option(help="What kind of text.")] = "descriptive",
    overwrite: Annotated[bool, typer.Option(help="Also the texts that you wrote or changed.")] = False,
    model: Annotated[
        str,
        typer.Option(
            help="A vision language model of yours instead of the built-in captioner: its folder, or its name below "
            "the models folders; with --endpoint, its name there."
        ),
    ] = "",
    endpoint: Annotated[
        str, typer.Option(help="An OpenAI-style endpoint, by its name in endpoints.json of your models folder.")
    ] = "",
    device: Device = "cpu",
    home: Home = None,
    weights: Weights = BUILTIN,
) -> None:
    """Let a model write a text beside every clip and image of a folder: walk.txt for walk.mp4.

    Texts that you wrote or changed are left alone. A run that was ended goes on where it was.
    """
    from nodes.captioner.recaption import BuiltIn
    from nodes.captioner.recaption import recaption as write
    from nodes.training.folder import clip_files

    files = said_plainly(lambda: clip_files(folder))
    if model or endpoint:
        writer = said_plainly(lambda: language_writer(model, endpoint, detail, device, home))
    else:
        writer = BuiltIn(weights / "captioner.safetensors", weights / "video_vae.safetensors", detail)
    console, became = Console(stderr=True), Counter[str]()
    outcomes = write(files, writer, overwrite)
    for _ in track(files, "captions", console=console):
        outcome = said_plainly(lambda: next(outcomes))
        became[outcome.did] += 1
        if outcome.did in ("written", "failed"):
            colour = "red" if outcome.did == "failed" else "dim"
            name = escape(str(outcome.file.relative_to(folder)))
            console.print(f"[{colour}]{name}[/{colour}] {escape(outcome.said)}", highlight=False, soft_wrap=True)
    said = {"written": "written", "there": "there from before", "kept": "left as you wrote them", "failed": "failed"}
    print(", ".join(f"{became[did]} {words}" for did, words in said.items() if became[did]))
    raise typer.Exit(1 if became["failed"] else 0)


def language_writer(
    model: str, endpoint: str, detail: Literal["short", "descriptive"], device: str, home: Path | None
) -> Any:
    """What writes texts by a model of one's own: on disk, or behind an endpoint that was named."""
    from app import settings
    from nodes.families.language.handles import describer, remote_describer
    from nodes.families.language.nodes import endpoint as named
    from nodes.families.language.recaption import LanguageWriter

    files = settings.load(home).files
    if endpoint:
        return LanguageWriter(remote_describer(named(endpoint, model, files)), detail)
    folder = Path(model) if Path(model).is_dir() else files.find_model(model)
    return LanguageWriter(describer(folder), detail, device)


def said_plainly(action: Callable[[], T]) -> T:
    """Run `action`; what it refuses (an OSError, or a ValueError of ours) is one sentence on stderr."""
    try:
        return action()
    except (OSError, ValueError) as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        raise typer.Exit(1) from refusal


def with_steps(config: Any, steps: int | None) -> Any:
    """A training's config with another number of steps; its cooldown falls with it where it has to."""
    if steps is None:
        return config
    loop = replace(config.loop, steps=steps, cooldown=min(config.loop.cooldown, steps // 3))
    return replace(config, loop=loop)
