"""The command line: run a workflow, open the editor, look at the nodes, check a workflow, train the built-in models."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app import settings as settings_module
from app.assignments import save_as
from app.cache import cache
from app.forecast import forecast
from app.models import models
from app.queue import history, queue
from app.refusals import fail
from app.sweep import sweep
from app.train import train
from app.workflow_argument import Assignments, Device, Home, Workflow, name_of, opened, refuse_errors, said_plainly
from nodes.registry import library

app = typer.Typer(
    help="Patchloom: a node-based workflow app for generative video.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(train, name="train")
app.add_typer(cache, name="cache")
app.add_typer(queue, name="queue")
app.add_typer(history, name="history")
app.add_typer(models, name="models")
app.command("sweep")(sweep)
app.command("forecast")(forecast)


@app.command("run")
def run_command(
    workflow: Workflow,
    assignments: Assignments = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where the result goes, e.g. out.mp4.")] = None,
    home: Home = None,
    device: Device = "cpu",
) -> None:
    """Run a workflow; what was computed before is taken from the store."""
    from app.recorder import Recorder

    place = settings_module.load(home)
    files = replace(place.files, inputs=(Path.cwd(), *place.files.inputs))
    if output:
        files = replace(files, outputs=output.parent)
    document = opened(workflow, assignments or [])
    if output:
        document = said_plainly(lambda: save_as(document, output.name, library()))
    refuse_errors(document, files)
    with Recorder(place, files, device) as recorder:
        succeeded = recorder.run(document, name_of(workflow), Console(stderr=True)).state == "done"
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
    files = replace(place.files, inputs=(Path.cwd(), *place.files.inputs))
    document = opened(workflow, assignments or [])
    report = refuse_errors(document, files)
    for node, outputs in report.specs.items():
        for name, spec in outputs.items():
            print(f"{node}.{name}: {spec}")


def main() -> None:
    try:
        app()
    except settings_module.SettingsError as refusal:
        sys.exit(f"error: {refusal}")
