"""How near a forecast comes: each shipped workflow twice to learn from, then once foreseen and run.

    python -m benchmarks.forecast [workflow ...]

Beside it what an estimate by the mean of the last twenty runs, of whatever workflow, would have said. The goal is a
median error of at most 25 %.
"""

import os
import sys
import tempfile
from pathlib import Path
from statistics import mean, median

from rich.console import Console
from rich.table import Table

import assets
import pipelines
from assets.files import Files
from assets.store import Store
from nodes.registry import library
from pipelines.document import load
from pipelines.executors.local import LocalExecutor
from pipelines.queue import Entry, Queue

LIBRARY = Path(pipelines.__file__).parent / "library"
SAMPLES = Path(assets.__file__).parent / "samples"
ROUNDS = 3
LAST = 20
GOAL = 0.25


def main(names: list[str]) -> None:
    names = names or sorted(path.name.removesuffix(".loom.json") for path in LIBRARY.glob("*.loom.json"))
    with tempfile.TemporaryDirectory(prefix="patchloom-") as folder:
        runs = measured(Path(folder), names)
    table = Table("workflow", "foreseen", "took", "error", "by the last runs' mean", "error", box=None)
    errors: list[float] = []
    others: list[float] = []
    before = [run.seconds or 0.0 for run in runs[: -len(names)]]
    for run in runs[-len(names) :]:
        took, foreseen = run.seconds or 0.0, (run.forecast or {})["seconds"]
        usual = mean(before[-LAST:])
        before.append(took)
        errors.append(abs(foreseen - took) / took)
        others.append(abs(usual - took) / took)
        shown = (f"{foreseen:.2f} s", f"{took:.2f} s", f"{errors[-1]:.0%}", f"{usual:.2f} s", f"{others[-1]:.0%}")
        table.add_row(run.workflow if run.state == "done" else f"{run.workflow} ({run.state})", *shown)
    table.add_row("median", "", "", f"{median(errors):.0%}", "", f"{median(others):.0%}")
    Console().print(table)
    load_average = os.getloadavg()[1]
    print(f"goal: {GOAL:.0%}; load average {load_average:.1f} on {os.cpu_count()} cores")


def measured(folder: Path, names: list[str]) -> list[Entry]:
    """Every workflow once a round, from an empty store each time; the runs in order."""
    store, files = Store(folder / "store"), Files((SAMPLES,), folder / "outputs")
    files.outputs.mkdir()
    executor = LocalExecutor(store, files)
    queue = Queue(folder, executor, library(), store, files)
    queue.start()
    runs: list[Entry] = []
    try:
        for _ in range(ROUNDS):
            for name in names:
                store.clear()
                document = load(LIBRARY / f"{name}.loom.json")
                runs.append(queue.wait(queue.add(document, name).id, float("inf")))
                print(f"{name} {runs[-1].state} {runs[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    finally:
        queue.close()
        executor.close()
        store.close()
    return runs


if __name__ == "__main__":
    main(sys.argv[1:])
