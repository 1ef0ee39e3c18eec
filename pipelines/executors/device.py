"""The worker of one device, as runs see it: tasks go in, what is said of them comes out, and a dead one is replaced."""

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.executors.process import WorkerProcess
from pipelines.executors.task import Task


class DeviceWorker:
    """One run at a time starts tasks and hears of them, in one thread; `cancel` and `close` may be called from any.

    on_death: called with the sentence why and the worker's last words when one dies, from a thread of its own.
    """

    def __init__(self, setup: Mapping[str, Any], on_death: Callable[[str, str], None]) -> None:
        self._setup = dict(setup)
        self._on_death = on_death
        self._lock = threading.Lock()
        self._closed = False
        self._numbers = itertools.count(1)
        self._tasks: dict[int, str] = {}
        self._memory: dict[str, dict[str, int]] = {}
        self._process = self._new()
        self._asked = self._process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._process.log

    def numerics(self) -> str:
        """The numerics class of the device; waits until the worker is warm, RuntimeError if it never is."""
        return self._process.numerics()

    def memory(self) -> dict[str, dict[str, int]]:
        """{"bytes", "budget"} of "values" and, once there was one, of "models": what the worker said that it holds."""
        held = self._memory or {"values": {"bytes": 0}}
        return {**held, "values": {**held["values"], "budget": self._setup["ram_bytes"]}}

    def bound(self, ram_bytes: int) -> None:
        """Set how many bytes of values the worker may keep at hand."""
        with self._lock:
            self._setup["ram_bytes"] = ram_bytes
            self._process.send({"do": "bound", "ram_bytes": ram_bytes})

    def start(self, name: str, task: Task, earlier: Mapping[str, str]) -> None:
        """Have a task computed beside those that are under way.

        name: by which it is heard of and cancelled. earlier: digests by output name of a result to go on from, if there
        is one.
        """
        with self._lock:
            if self._process.gone and not self._closed:
                self._process = self._new()
            if not self._tasks:
                self._asked = self._process
            number = next(self._numbers)
            self._tasks[number] = name
            asked = {"type": task.type, "key": task.key, "widgets": task.widgets, "inputs": task.inputs}
            asked["earlier"] = dict(earlier)
            self._asked.send({"do": "run", "task": number, **asked, "workflow": task.workflow})

    def hear(self) -> tuple[str | None, dict[str, Any], bytes]:
        """Wait for what is said next of a task that is under way, by its name, with the bytes beside it.

        No name if the worker died, which ends all of them: then "error" says why, and "was_warm" whether it ever got as
        far as its first word; one that does not will not the next time either.
        """
        while (received := self._asked.messages.get()) is not None:
            said, data = received
            name = self._tasks.get(said["task"])
            if name is None:  # it was dropped
                continue
            if said["say"] == "made":
                self._memory = said["memory"]
            if said["say"] in ("kept", "failed", "cancelled", "missing"):
                with self._lock:
                    del self._tasks[said["task"]]
            return name, said, data
        self.drop()
        self._memory = {}
        return None, {"error": self._asked.death, "was_warm": self._asked.was_warm}, b""

    def prefetch(self, handles: list[str]) -> None:
        """Have models loaded that will be wanted soon. handles: digests."""
        self._asked.send({"do": "prefetch", "handles": handles})

    def cancel(self, start: str) -> None:
        """End what is under way and has a name that begins so, each within one of its steps."""
        with self._lock:
            tasks = [number for number, name in self._tasks.items() if name.startswith(start)]
            self._asked.send({"do": "cancel", "tasks": tasks})

    def drop(self) -> None:
        """Hear no more of what is under way."""
        with self._lock:
            self._tasks.clear()

    def close(self) -> None:
        """End the worker for good, also in the middle of a node."""
        with self._lock:
            self._closed = True
        self._process.close()

    def _new(self) -> WorkerProcess:
        return WorkerProcess(self._setup, self._on_exit)

    def _on_exit(self, process: WorkerProcess) -> None:
        """Start the next, unless this one never got as far as its first word."""
        with self._lock:
            if process is self._process and process.was_warm and not self._closed:
                self._process = self._new()
        self._on_death(process.death, process.log)
