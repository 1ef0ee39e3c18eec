"""A run on the terminal: a bar for the node at work, and one line at the end."""

import queue
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipelines.document import Document
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor
from pipelines.executors.part import Part, Summary


def follow(executor: LocalExecutor, document: Document, console: Console, found: Part | None = None) -> Summary:
    """Run `document` to its end, showing how it goes. Ctrl+C cancels the run. found: as in `LocalExecutor.submit`."""
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    unsubscribe = executor.subscribe(events.put)
    run = executor.submit(document, found=found)
    columns: list[Any] = [TextColumn("{task.description:>16}"), BarColumn(), TextColumn("{task.fields[state]}")]
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        tasks: dict[str, TaskID] = {}
        while True:
            try:
                event = events.get()
            except KeyboardInterrupt:
                executor.cancel(run)
                continue
            if event.run not in (run, None):
                continue
            if event.kind == "finished":
                break
            show(event, progress, tasks)
    unsubscribe()
    console.print(summary(event), highlight=False)
    return executor.wait(run)


def show(event: Event, progress: Progress, tasks: dict[str, TaskID]) -> None:
    """One event on the bar of its node, or above the bars."""
    if event.error and event.kind in ("failed", "worker_died"):
        kind, said = event.kind.replace("_", " "), f"{event.node or ''}: {event.error}"
        progress.console.print(f"[red]{kind}[/red] {escape(said)}")
    if event.note:
        progress.console.print(f"[yellow]note[/yellow] {event.node}: {escape(event.note)}")
    if event.memory:
        progress.console.print(f"[dim]memory {event.node}: {escape(event.memory)}[/dim]", highlight=False)
    if event.node is None or event.kind not in STATES:
        return
    if event.node not in tasks:
        tasks[event.node] = progress.add_task(event.node, total=1, state="")
    task = tasks[event.node]
    if event.kind == "step" and event.total:
        progress.update(task, total=event.total, completed=event.step, state=f"{event.step}/{event.total}")
    else:
        state = STATES[event.kind]
        if event.kind == "done" and event.seconds is not None:
            spared = f", {event.reused} of {event.total} steps reused" if event.reused else ""
            state = f"{event.seconds:.2f} s{spared}"
        total = progress.tasks[task].total if event.kind in ("done", "cached") else None
        progress.update(task, completed=total, state=state)


STATES = {
    "started": "running",
    "step": "",
    "cached": "from cache",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
    "cancelled": "cancelled",
}


def summary(finished: Event) -> str:
    """`5 nodes run, 3 from cache, 4.2 s`."""
    parts = [f"{finished.ran} nodes run", f"{finished.cached} from cache"]
    troubles = {"failed": finished.failed, "skipped": finished.skipped, "cancelled": finished.cancelled}
    parts += [f"{count} {name}" for name, count in troubles.items() if count]
    return f"{', '.join(parts)}, {finished.seconds or 0:.1f} s"
