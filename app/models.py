"""`patchloom models`: what models there are on this machine, where they are looked for, and more of them."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ByteSize
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from app import hub
from app import settings as settings_module
from app.model_shelf import ModelShelf
from app.refusals import fail
from assets.files import named_folders
from nodes.families.shelf import shelve

models = typer.Typer(help="List the models on this machine, and get more.", no_args_is_help=True)

Home = Annotated[Path | None, typer.Option(help="Workspace folder; else $PATCHLOOM_HOME, else your data folder.")]


@models.command("ls")
def ls(home: Home = None) -> None:
    """List the models in the models folders: their names in a workflow, what they make, and what stands in the way."""
    files = settings_module.load(home).files
    table = Table("name", "family", "makes", "size", "numbers", "licence", "", box=None)
    for one in shelve(files.model_folders()):
        size = ByteSize(one.bytes).human_readable(decimal=True)
        table.add_row(one.name, one.family, ", ".join(one.does), size, one.precision, one.licence, one.problem)
    console = Console()
    if table.row_count:
        console.print(table)
    console.print(f"Looked into {', '.join(map(str, files.model_folders()))}", highlight=False)


@models.command("add")
def add(folder: Path, home: Home = None) -> None:
    """Look into this folder, too, as one of another tool or the hub's cache. Nothing in it is changed or copied."""
    try:
        ModelShelf(settings_module.load(home).files).add(folder)
    except hub.HubRefused as refused:
        fail(str(refused))


@models.command("drop")
def drop(folder: str, home: Home = None) -> None:
    """Look into this folder no more."""
    files = settings_module.load(home).files
    named = named_folders(files.models[0])
    if folder not in named:
        fail(f"{folder} is not looked into; those that are, and can be dropped: {', '.join(named) or 'none'}")
    ModelShelf(files).drop(folder)


@models.command("download")
def download(
    repository: Annotated[str, typer.Argument(help="On the Hugging Face hub, like Wan-AI/Wan2.1-T2V-1.3B-Diffusers.")],
    home: Home = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Say a repository's size and licence, ask, and fetch it; goes on where an earlier try was cut off."""
    folder = settings_module.load(home).files.models[0]
    try:
        offer = hub.look_up(repository)
        size = ByteSize(offer.bytes).human_readable(decimal=True)
        Console().print(f"{repository}: {size} in {len(offer.files)} files; licence: {offer.licence}", highlight=False)
        if not yes:
            typer.confirm("Download it?", abort=True)
        with Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn()) as progress:
            task = progress.add_task(repository, total=offer.bytes)
            hub.download(offer, folder, lambda there: progress.update(task, completed=there))
    except hub.HubRefused as refused:
        fail(str(refused))
