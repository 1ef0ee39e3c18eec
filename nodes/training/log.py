"""What a training says of itself: lines in `curves.jsonl`, and the same on the screen, with a bar on a terminal."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nodes.training.schedule import Schedule


class Log:
    """Means of the figures over the steps since the last line; only the first process (rank 0) says anything."""

    def __init__(self, out: Path, rank: int, step: int) -> None:
        self.path, self.rank = out / "curves.jsonl", rank
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.since, self.seconds = step, time.perf_counter()
        out.mkdir(parents=True, exist_ok=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        self.bar = Progress(*columns) if rank == 0 and sys.stdout.isatty() else None
        self.task = self.bar.add_task("", completed=step) if self.bar else None

    def __enter__(self) -> Log:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()

    def add(self, step: int, schedule: Schedule, figures: dict[str, float], every: int) -> None:
        """Take in the figures of one step; every `every` steps they are written."""
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1
        if self.bar and self.task is not None:
            self.bar.update(self.task, completed=step, total=schedule.steps)
        if step % every == 0 or step >= schedule.steps:
            now = time.perf_counter()
            line = {name: total / self.counts[name] for name, total in self.sums.items()}
            line |= {"rate": schedule.factor(step - 1), "seconds_per_step": (now - self.seconds) / (step - self.since)}
            self.sums, self.counts, self.since, self.seconds = {}, {}, step, now
            self.write({"step": step, "of": schedule.steps, **line})

    def write(self, line: dict[str, float]) -> None:
        """Write one line, to the file and to the screen."""
        if self.rank != 0:
            return
        line = {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in line.items()}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        said = "  ".join(f"{name} {value}" for name, value in line.items())
        if self.bar and self.task is not None and "seconds_per_step" in line:
            self.bar.update(self.task, description=said)
        elif self.bar:
            self.bar.console.print(said)
        else:
            print(said, flush=True)
