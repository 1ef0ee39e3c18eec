"""`python -m benchmarks.crash [--runs 200]`: kills the worker or the server once in each run, at a random point."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.crash.once import crash, plan


def main(
    runs: Annotated[int, typer.Option(help="Runs, each of its own graph and crash.", min=1)] = 200,
    beside: Annotated[int, typer.Option(help="Runs at a time.", min=1)] = 2,
) -> None:
    """Count the runs that do not end right."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(beside) as pool:
        folders = [Path(folder) / str(seed) for seed in range(runs)]
        found = list(pool.map(crash, folders, range(runs)))
    table = Table("killed", "runs", "right", "wrong", box=None)
    for victim in ("worker", "server"):
        results = [faults for seed, faults in enumerate(found) if plan(seed).victim == victim]
        wrong = sum(map(bool, results))
        table.add_row(victim, str(len(results)), str(len(results) - wrong), str(wrong))
    Console().print(table)
    for seed, faults in enumerate(found):
        for fault in faults:
            Console().print(f"seed {seed}: {fault}", markup=False)
    Console().print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
