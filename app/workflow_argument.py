"""What every command that takes a workflow does with it: find it, set widgets, say what is wrong."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from app.assignments import AssignmentError, assign
from app.refusals import fail
from app.shipped import shipped_file
from assets.files import Files
from nodes.registry import library
from pipelines.check import Problem, Report, check
from pipelines.document import Document, DocumentError, load

T = TypeVar("T")
Workflow = Annotated[str, typer.Argument(help="A *.loom.json file, or the name of a shipped workflow.")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="NODE.PARAM=VALUE", help="Set a widget; repeat as needed.")
]
Home = Annotated[Path | None, typer.Option(help="Workspace folder; else $PATCHLOOM_HOME, else your data folder.")]
Device = Annotated[str, typer.Option(help="torch device that models run on, e.g. cpu or cuda:0.")]


def opened(workflow: str, assignments: Sequence[str]) -> Document:
    """The workflow file, or the shipped workflow of that name, with the assignments made."""
    path = Path(workflow)
    if not path.exists():
        path = shipped_file(workflow) or path
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


def name_of(workflow: str) -> str:
    """What a run of that file or shipped workflow is called in the queue and the history."""
    return Path(workflow).name.removesuffix(".json").removesuffix(".loom")
