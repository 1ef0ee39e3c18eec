"""`patchloom queue` and `patchloom history`: the runs that wait, and the runs that were."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app import settings as settings_module
from app.cache import ago
from app.refusals import fail
from app.workflow_argument import Assignments, Device, Home, Workflow, name_of, opened
from assets.store import Store
from nodes.registry import library
from pipelines.document import save
from pipelines.queue import Book, Entry, Queue
from pipelines.queue.book import RunUnknown
from pipelines.queue.queue import BOOK
from pipelines.sweep import SweepError, seeds

queue = typer.Typer(help="Runs that wait: for the editor if it is open, else for `patchloom queue run`.")
history = typer.Typer(help="Runs that were: when, how long, with what result, and by which exact graph.")

Run = Annotated[str, typer.Argument(help="The first letters of a run's id, as `ls` shows it.")]


@queue.command("ls")
def waiting(home: Home = None) -> None:
    """List the run that goes on and those that wait, in order."""
    with book_of(home) as book:
        runs = book.running() + book.waiting()
    table = Table("id", "workflow", "", "state", "queued", box=None)
    for run in runs:
        table.add_row(run.id[:8], run.workflow, run.label, run.state, ago(run.created))
    Console().print(table if runs else "nothing waits")


@queue.command("add")
def add(
    workflow: Workflow,
    assignments: Assignments = None,
    count: Annotated[int, typer.Option("--seeds", help="That many runs, each with a seed of its own.", min=1)] = 1,
    first: Annotated[bool, typer.Option("--first", help="Before everything that waits.")] = False,
    home: Home = None,
) -> None:
    """Queue a workflow."""
    document = opened(workflow, assignments or [])
    with book_of(home) as book:
        runs = book.add_batch(name_of(workflow), seeds(document, library(), count), first=first)
    for run in runs:
        print(run.id[:8])


@queue.command("run")
def work(home: Home = None, device: Device = "cpu") -> None:
    """Work through the queue until nothing waits."""
    from pipelines.executors.local import LocalExecutor

    place = settings_module.load(home)
    console = Console(stderr=True)
    store = Store(place.store, place.budgets.cache_disk_bytes)
    executor = LocalExecutor(store, place.files, device=device, ram_bytes=place.budgets.cache_ram_bytes)
    working = Queue(place.home, executor, library(), store, place.files, device)
    working.start()
    failed = False
    try:
        while runs := working.book.running() + working.book.waiting():
            ended = working.wait(runs[0].id, float("inf"))
            console.print(described(ended), highlight=False)
            failed = failed or ended.state != "done"
    finally:
        # Ctrl+C leaves what was running at the head of the queue.
        working.close()
        executor.close()
        store.close()
    raise typer.Exit(1 if failed else 0)


@queue.command("cancel")
def cancel(run: Run, home: Home = None) -> None:
    """Take a run out of the queue, or stop it."""
    with book_of(home) as book:
        book.cancel(book.named(run).id)


@queue.command("first")
def put_first(run: Run, home: Home = None) -> None:
    """Put a run before everything that waits."""
    with book_of(home) as book:
        before = book.waiting()
        book.move(book.named(run).id, before[0].id if before else None)


@queue.command("move")
def move(
    run: Run,
    before: Annotated[str | None, typer.Option(help="The run to put it before; without it, to the end.")] = None,
    home: Home = None,
) -> None:
    """Put a run that waits elsewhere in the queue."""
    with book_of(home) as book:
        book.move(book.named(run).id, book.named(before).id if before else None)


@history.command("ls")
def past(
    limit: Annotated[int, typer.Option("-n", "--limit", help="Rows at most.", min=1)] = 20, home: Home = None
) -> None:
    """List the runs that ended, the last first, with the seconds that were foreseen and those that they took."""
    with book_of(home) as book:
        runs = book.history(limit)
    table = Table("id", "workflow", "", "state", "ended", "foreseen", "took", box=None)
    for run in runs:
        took = "" if run.seconds is None else f"{run.seconds:.1f} s"
        table.add_row(run.id[:8], run.workflow, run.label, run.state, ago(run.ended or 0), foreseen(run), took)
    Console().print(table if runs else "nothing has run yet")


@history.command("show")
def show(run: Run, home: Home = None) -> None:
    """Show a run: how it ended, and for each node what was foreseen and what it took."""
    with book_of(home) as book:
        found = book.named(run)
    console = Console()
    console.print(described(found), highlight=False)
    table = Table("node", "foreseen", "took", "at most", box=None)
    for node, took in found.result.get("nodes", {}).items():
        expected = "" if took["forecast"] is None else f"{took['forecast']:.2f} s"
        table.add_row(node, expected, f"{took['seconds']:.2f} s", f"{(took['peak_bytes'] or 0) / 1e6:.0f} MB")
    console.print(table)
    for node, sentence in found.result.get("failed", {}).items():
        console.print(f"{node}: {sentence}", highlight=False, markup=False)


@history.command("open")
def reopen(
    run: Run,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where the workflow goes.")] = None,
    home: Home = None,
) -> None:
    """Write the exact graph that made a run as a workflow file."""
    with book_of(home) as book:
        found = book.named(run)
        path = output or Path(f"{found.workflow}-{found.id[:8]}.loom.json")
        if path.exists():
            fail(f"{path} is there already; choose another name with -o")
        save(book.document(found.id), path)
    print(path)


def described(run: Entry) -> str:
    """`text_to_video, seed 4: done, 8 nodes run, 3 from cache, 4.2 s (foreseen 4.0 s)`"""
    name = ", ".join(filter(None, (run.workflow, run.label)))
    counts = f"{run.result.get('ran', 0)} nodes run, {run.result.get('cached', 0)} from cache"
    expected = f" (foreseen {foreseen(run)})" if foreseen(run) else ""
    return f"{run.id[:8]} {name}: {run.state}, {counts}, {run.seconds or 0:.1f} s{expected}"


def foreseen(run: Entry) -> str:
    if not run.forecast or run.forecast["unknown"]:
        return ""
    return f"{run.forecast['seconds']:.1f} s"


@contextmanager
def book_of(home: Path | None) -> Iterator[Book]:
    """The book of the workspace; what it refuses ends the command with its sentence."""
    book = Book(settings_module.load(home).home / BOOK)
    try:
        yield book
    except (RunUnknown, SweepError, OSError) as refused:
        fail(str(refused))
    finally:
        book.close()
