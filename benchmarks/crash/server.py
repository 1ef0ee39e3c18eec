"""A server that runs a graph and says in lines of JSON how far it is, until it is done or is killed."""

import itertools
import json
import os
import signal
import sys
from pathlib import Path

from assets.files import Files
from assets.store import Store
from benchmarks.crash.graph import graph
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor


def main(folder: Path, seed: int, moment: int, victim: str) -> None:
    """Run the graph of a seed in the store of a folder. Once line `moment` is said (from 0), kill worker or server."""
    executor = LocalExecutor(Store(folder / "store"), Files((), folder), threads=1, nodes="benchmarks.crash.nodes")
    numbers = itertools.count()

    def say(event: Event) -> None:
        worker = executor.worker_pid
        print(json.dumps({"kind": event.kind, "node": event.node, "worker": worker}), flush=True)
        if next(numbers) == moment:
            os.kill({"worker": worker, "server": os.getpid()}[victim], signal.SIGKILL)

    executor.subscribe(say)
    summary = executor.wait(executor.submit(graph(seed)))
    print(json.dumps({"kind": "summary", "failed": summary.failed, "outputs": summary.outputs}), flush=True)
    executor.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
