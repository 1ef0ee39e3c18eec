"""What the engine itself costs: `python -m benchmarks.engine [--sizes 300,1000,10000] [--repeats 5]`.

Graphs of trivial nodes through the local executor, in a fresh store each: a first run, runs with everything cached,
alone and as the queue has them done, with a forecast and a place in the history, and runs with one leaf changed. In
brackets the processor time of both processes, which says more on a machine that is busy with other things. Traffic is
the JSON of all events of the first run; memory the peak of a process.
"""

import json
import os
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assets.files import Files
from assets.store import Store
from benchmarks import trivial_nodes
from pipelines.document import Document, wire_id
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor
from pipelines.queue.queue import Queue

WIDTH = 10
WAIT = 600


def main(
    sizes: Annotated[str, typer.Option(help="Numbers of nodes.")] = "300,1000,10000",
    repeats: Annotated[int, typer.Option(help="Cached runs, and runs with one leaf changed.", min=1)] = 5,
) -> None:
    """Measure first, cached and nearly cached runs."""
    columns = (
        "graph",
        "nodes",
        "first run s",
        "cached ms",
        "queued ms",
        "one leaf ms",
        "traffic MB",
        "server MB",
        "worker MB",
    )
    table = Table(*columns, box=None)
    for size in map(int, sizes.split(",")):
        for name, width in (("chain", 1), ("layered", WIDTH)):
            table.add_row(name, str(size), *measure(size, width, repeats))
    Console(width=120).print(table)


def measure(size: int, width: int, repeats: int) -> list[str]:
    """One line of the table."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = Store(Path(folder) / "store")
        executor = LocalExecutor(store, Files((), Path(folder)), threads=1, nodes="benchmarks.trivial_nodes")
        run(executor, graph(1, 1, first=-1))
        traffic = Traffic()
        unsubscribe = executor.subscribe(traffic.see)
        first = run(executor, graph(size, width))
        unsubscribe()
        cached = [run(executor, graph(size, width)) for _ in range(repeats)]
        queued = through_queue(Path(folder), store, executor, graph(size, width), repeats)
        leaf = [run(executor, graph(size, width, last=number)) for number in range(2, repeats + 2)]
        server = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
        executor.close()
        store.close()
    times = [shown([first], 1), shown(cached, 1000), shown(queued, 1000), shown(leaf, 1000)]
    return [*times, *(f"{size / 1e6:.2f}" for size in (traffic.bytes, server, traffic.worker_peak))]


def run(executor: LocalExecutor, document: Document) -> tuple[float, float]:
    """Seconds by the clock, and of processor time."""
    begun = processor_time(executor.worker_pid)
    summary = executor.wait(executor.submit(document))
    assert not summary.failed, summary.failed
    return summary.seconds, processor_time(executor.worker_pid) - begun


def through_queue(
    folder: Path, store: Store, executor: LocalExecutor, document: Document, repeats: int
) -> list[tuple[float, float]]:
    """Of runs of the document as the queue has them done: by the clock from its being added to its end in the book."""
    queue = Queue(folder, executor, trivial_nodes.library(), store, Files((), folder))
    queue.start()
    times = []
    for _ in range(repeats):
        begun, clock = processor_time(executor.worker_pid), time.perf_counter()
        assert queue.wait(queue.add(document, "graph").id, WAIT).state == "done"
        times.append((time.perf_counter() - clock, processor_time(executor.worker_pid) - begun))
    queue.close()
    return times


def processor_time(worker: int) -> float:
    """Seconds that this process and the worker had."""
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shown(runs: list[tuple[float, float]], scale: float) -> str:
    clock, processor = (statistics.median(times) * scale for times in zip(*runs, strict=True))
    return f"{clock:.3g} ({processor:.3g})"


def graph(size: int, width: int, first: float = 0.0, last: float = 1.0) -> Document:
    """Layers of `width` nodes, each of which takes what two nodes of the layer before made; a chain takes one.

    first: widget of the first node; last: of the last.
    """
    records: dict[str, Any] = {}
    for number in range(size):
        if number < width:
            records[f"node:n{number}"] = {"type": "start", "version": 1, "params": {"value": first + number}}
            continue
        by = last if number == size - 1 else 1.0 + number / size
        records[f"node:n{number}"] = {"type": "add", "version": 1, "params": {"by": by}}
        layer = (number // width - 1) * width
        sources = {layer + number % width, layer + (number + 1) % width}
        for port, source in zip("ab", sorted(sources), strict=False):
            target = (f"n{number}", port)
            records[wire_id(target)] = {"from": [f"n{source}", "scalar"], "to": list(target)}
    return Document(records)


class Traffic:
    """Bytes of the events' JSON, and the most memory that a node reported."""

    def __init__(self) -> None:
        self.bytes = 0
        self.worker_peak = 0

    def see(self, event: Event) -> None:
        self.bytes += len(json.dumps(event.to_json()))
        self.worker_peak = max(self.worker_peak, event.peak_bytes or 0)


if __name__ == "__main__":
    typer.run(main)
