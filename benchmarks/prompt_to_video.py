"""From a prompt to a playable mp4, through the executor: `python -m benchmarks.prompt_to_video [--runs 5]`.

The first run starts the worker and loads the models; the others are warm, each with a prompt and a seed of its own, so
that all stages but the models run. Beside each, the time that its slowest node took.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.assignments import assign
from app.shipped import SHIPPED
from assets.files import Files
from assets.store import Store
from nodes.registry import library
from pipelines.document import load
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor

PROMPTS = ("a red ball bouncing over a green meadow", "a blue star spinning at sunset", "a large white heart growing")


def main(runs: Annotated[int, typer.Option(help="Warm runs.", min=1)] = 5) -> None:
    """Measure the time from a prompt to a file."""
    document = load(SHIPPED / "text_to_video.loom.json")
    table = Table("run", "seconds", "slowest node", "of it", box=None)
    warm: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        executor = LocalExecutor(Store(Path(folder) / "store"), Files((), Path(folder)))
        done: list[Event] = []
        executor.subscribe(lambda event: done.append(event) if event.kind == "done" else None)
        for number in range(runs + 1):
            settings = [f"prompt.text={PROMPTS[number % len(PROMPTS)]}", f"sampler.seed={number}"]
            summary = executor.wait(executor.submit(assign(document, settings, library())))
            assert not summary.failed, summary.failed
            slowest = max(done, key=lambda event: event.seconds or 0)
            table.add_row("warm" if number else "cold", *_shown(summary.seconds, slowest))
            warm += [summary.seconds] if number else []
            done.clear()
        executor.close()
    console = Console()
    console.print(table)
    console.print(f"Median of {runs} warm runs: {statistics.median(warm):.1f} s")


def _shown(seconds: float, slowest: Event) -> tuple[str, str, str]:
    return f"{seconds:.2f}", str(slowest.node), f"{slowest.seconds:.2f}"


if __name__ == "__main__":
    typer.run(main)
