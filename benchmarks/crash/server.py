"""A server that runs a graph and says in lines of JSON how far it is, until it is killed or done."""

import json
import sys
from pathlib import Path

from assets.files import Files
from assets.store import Store
from benchmarks.crash.graph import graph
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor


def main(folder: Path, seed: int) -> None:
    """Run the graph of a seed in the store of a folder."""
    executor = LocalExecutor(Store(folder / "store"), Files((), folder), threads=1, nodes="benchmarks.crash.nodes")

    def say(event: Event) -> None:
        print(json.dumps({"kind": event.kind, "node": event.node, "worker": executor.worker_pid}), flush=True)

    executor.subscribe(say)
    summary = executor.wait(executor.submit(graph(seed)))
    print(json.dumps({"kind": "summary", "failed": summary.failed, "outputs": summary.outputs}), flush=True)
    executor.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
