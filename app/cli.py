"""The command line: run a workflow, open the editor, look at the nodes, check a workflow, train the built-in models."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

import pipelines
from app import settings as settings_module
from app.assignments import AssignmentError, assign, save_as
from app.cache import cache
from app.refusals import fail
from app.train import train
from assets.files import Files
from assets.store import Store
from nodes.registry import library
from pipelines.check import Problem, Report, check
from pipelines.document import Document, DocumentError, load

LIBRARY = Path(pipelines.__file__).parent / "library"

app = typer.Typer(
    help="Patchloom: a node-based workflow app for generative video.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(train, name="train")
app.add_typer(cache, name="cache")

T = TypeVar("T")
Workflow = Annotated[str, typer.Argument(help="A *.loom.json file, or the name of a shipped workflow.")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="NODE.PARAM=VALUE", help="Set a widget; repeat as needed.")
]
Home = Annotated[Path | None, typer.Option(help="Workspace folder; else $PATCHLOOM_HOME, else your data folder.")]
Device = Annotated[str, typer.Option(help="torch device that models run on, e.g. cpu or cuda:0.")]


@app.command("run")
def run_command(
    workflow: Workflow,
    assignments: Assignments = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where the result goes, e.g. out.mp4.")] = None,
    home: Home = None,
    device: Device = "cpu",
) -> None:
    """Run a workflow; what was computed before is taken from the store."""
    from app.progress import follow
    from pipelines.executors.local import LocalExecutor

    place = settings_module.load(home)
    files = Files(inputs=(Path.cwd(), *place.files.inputs), outputs=output.parent if output else place.files.outputs)
    document = opened(workflow, assignments or [])
    if output:
        document = said_plainly(lambda: save_as(document, output.name, library()))
    refuse_errors(document, files)
    budgets = place.budgets
    store = Store(place.store, budgets.cache_disk_bytes)
    executor = LocalExecutor(store, files, device=device, ram_bytes=budgets.cache_ram_bytes)
    try:
        succeeded = follow(executor, document, Console(stderr=True))
    finally:
        executor.close()
    if output and succeeded:
        print(output)
    raise typer.Exit(0 if succeeded else 1)


@app.command()
def serve(
    workflow: Annotated[Path | None, typer.Argument(help="Workflow to open; else the last one.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8420,
    home: Home = None,
    device: Device = "cpu",
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Open the editor in the browser."""
    from dataclasses import replace

    from app.server import serve as serve_editor

    place = replace(settings_module.load(home), host=host, port=port, device=device)
    said_plainly(lambda: serve_editor(place, open_browser, workflow))


@app.command()
def nodes(name: Annotated[str | None, typer.Argument(help="One node, in full.")] = None) -> None:
    """List the nodes, or show one with its ports and widgets."""
    known = library()
    if name is None:
        table = Table("node", "category", "takes", "gives", box=None)
        for node in sorted(known.values(), key=lambda node: (node.category, node.type)):
            takes = ", ".join(port.type + "?" * port.optional for port in node.inputs.values())
            table.add_row(node.type, node.category, takes, ", ".join(port.type for port in node.outputs.values()))
        Console().print(table)
        return
    if name not in known:
        fail(f"there is no node {name!r}; `patchloom nodes` lists them")
    node = known[name]
    Console().print(f"[bold]{node.label}[/bold] ({node.type} {node.version})\n{node.help}\n")
    table = Table("name", "type", "default", "help", box=None)
    for port in node.inputs.values():
        table.add_row(port.name, port.type, "optional" if port.optional else "", port.help)
    for widget in node.widgets.values():
        table.add_row(widget.name, widget.type, repr(widget.default), widget.help)
    Console().print(table)


@app.command("check")
def check_command(workflow: Workflow, assignments: Assignments = None, home: Home = None) -> None:
    """Check a workflow without running it; prints the shape on every wire."""
    place = settings_module.load(home)
    files = Files(inputs=(Path.cwd(), *place.files.inputs), outputs=place.files.outputs)
    document = opened(workflow, assignments or [])
    report = refuse_errors(document, files)
    for node, outputs in report.specs.items():
        for name, spec in outputs.items():
            print(f"{node}.{name}: {spec}")


def opened(workflow: str, assignments: Sequence[str]) -> Document:
    """The workflow file, or the shipped workflow of that name, with the assignments made."""
    path = Path(workflow)
    if not path.exists() and (LIBRARY / f"{workflow}.loom.json").exists():
        path = LIBRARY / f"{workflow}.loom.json"
    return said_plainly(lambda: assign(load(path), assignments, library()))


def refuse_errors(document: Document, files: Files) -> Report:
    """Print the problems of a document; exit if one of them is an error."""
    report = check(document, library(), files)
    for problem in report.problems:
        print(described(problem), file=sys.stderr)
    if any(problem.level == "error" for problem in report.problems):
        raise typer.Exit(1)
    return report


def described(problem: Problem) -> str:
    where = problem.node if problem.port is None else f"{problem.node}.{problem.port}"
    return f"{problem.level}: {where}: {problem.sentence}"


def said_plainly(action: Callable[[], T]) -> T:
    """Run `action`; what it refuses is one sentence on stderr, not a traceback."""
    try:
        return action()
    except (DocumentError, AssignmentError, OSError) as refusal:
        fail(str(refusal))


def main() -> None:
    try:
        app()
    except settings_module.SettingsError as refusal:
        sys.exit(f"error: {refusal}")
