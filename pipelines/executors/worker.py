"""The worker process: torch, models and recent values stay warm in it, and the server outlives it.

Started as `python -m pipelines.executors.worker`, it talks over stdin and stdout (see `messages`); whatever nodes print
goes to stderr. It ends when the server's end of the pipe is gone, so that no worker is ever left behind.
"""

import importlib
import os
import platform
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assets.files import Files
from assets.store import BlobMissing, Store
from assets.values import Value
from nodes.api import Node
from nodes.context import Cancelled
from pipelines.arguments import coerce, injected
from pipelines.connect import widget_content
from pipelines.executors.memory import PeakMemory
from pipelines.executors.messages import Line
from pipelines.executors.resident import Models, RecentValues
from pipelines.executors.run_context import RunContext
from pipelines.keys import numerics_class


class InputsMissing(Exception):
    """Stored inputs that are gone or damaged, by port name: whoever made them has to make them again."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def main() -> None:
    """Set up as the first message says, say hello, then do one task after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Line(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    first = line.receive()
    if first is None:
        return
    setup = first[0]
    worker = Worker(line, setup)
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=worker.listen, args=(tasks,), daemon=True).start()
    line.send({"say": "hello", "numerics": numerics_class(architecture(setup["device"]))})
    while True:
        worker.perform(tasks.get())


class Worker:
    def __init__(self, line: Line, setup: Mapping[str, Any]) -> None:
        import torch

        if setup["threads"]:
            torch.set_num_threads(setup["threads"])
        self.line = line
        self.device: str = setup["device"]
        self.store = Store(Path(setup["store"]))
        self.files = Files(tuple(map(Path, setup["inputs"])), Path(setup["outputs"]))
        self.library: dict[str, Node] = importlib.import_module(setup["nodes"]).library()
        self.values = RecentValues()
        self.models = Models(self.device)
        self.last_cancelled = -1

    def listen(self, tasks: "queue.SimpleQueue[dict[str, Any]]") -> None:
        """Take messages while a node runs, so that it can be cancelled; when the server is gone, so is the worker."""
        while (received := self.line.receive()) is not None:
            message, _ = received
            if message["do"] == "cancel":
                self.last_cancelled = max(self.last_cancelled, message["task"])
            else:
                tasks.put(message)
        os._exit(0)

    def perform(self, task: Mapping[str, Any]) -> None:
        """Run one node and say how it ended: done, failed, cancelled or missing (stored inputs that are damaged)."""
        number = task["task"]
        context = RunContext(
            self.device, self.models, lambda: number <= self.last_cancelled, lambda *said: self._say(number, *said)
        )
        started = time.perf_counter()
        try:
            with PeakMemory(self.device) as memory:
                made = self._run(task, context)
            outputs = {name: self._keep(value) for name, value in made.items()}
            ending: dict[str, Any] = {
                "say": "done",
                "outputs": outputs,
                "specs": {name: str(value.spec) for name, value in made.items()},
                "peak_bytes": memory.peak,
            }
        except Cancelled:
            ending = {"say": "cancelled"}
        except InputsMissing as missing:
            ending = {"say": "missing", "inputs": missing.names}
        except Exception as error:
            traceback.print_exc()
            ending = {"say": "failed", "error": sentence(error), "traceback": traceback.format_exc()}
        self._say(number, {**ending, "seconds": time.perf_counter() - started})

    def _run(self, task: Mapping[str, Any], context: RunContext) -> dict[str, Any]:
        node = self.library[task["type"]]
        arguments: dict[str, Any] = {**dict.fromkeys(node.inputs), **task["widgets"]}
        for name, value in self._inputs(task["inputs"]).items():
            widget = node.widgets.get(name)
            arguments[name] = coerce(widget, widget_content(value)) if widget else value
        specs = {name: value.spec if name in node.inputs and value else value for name, value in arguments.items()}
        # What was unknown while wiring is known now; the spec function's sentence is better than torch's.
        node.output_specs({**specs, **injected(node.spec, self.files)})
        filled = injected(node.fn, self.files, context, task["workflow"])
        return node.by_output(node.fn(**arguments, **filled))

    def _inputs(self, digests: Mapping[str, str]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        missing: list[str] = []
        for name, digest in digests.items():
            value = self.values.get(digest)
            try:
                values[name] = value if value is not None else self.store.get(digest, "torch")
            except BlobMissing:
                missing.append(name)
            else:
                self.values.put(digest, values[name])
        if missing:
            raise InputsMissing(missing)
        return values

    def _keep(self, value: Value) -> str:
        digest = self.store.put(value)
        self.values.put(digest, value)
        return digest

    def _say(self, task: int, message: Mapping[str, Any], data: bytes = b"") -> None:
        self.line.send({**message, "task": task}, data)


def architecture(device: str) -> str:
    """What the last bits of a result depend on, e.g. "x86_64" or "sm_90"."""
    if not device.startswith("cuda"):
        return platform.machine()
    import torch

    return "sm_{}{}".format(*torch.cuda.get_device_capability(device))


def sentence(error: Exception) -> str:
    """What an artist reads of an exception. ValueErrors of nodes are sentences already."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"there was not enough memory ({error}); try a smaller size, fewer frames, or close other programs"
    if isinstance(error, ValueError | OSError) and str(error):
        return str(error)
    return f"the node itself failed, which is a fault in it: {type(error).__name__}: {error}; please report it"


if __name__ == "__main__":
    main()
