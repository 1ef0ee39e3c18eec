"""Runs workflows on this machine: a queue, and one warm worker process.

The server side holds the plan, the keys and the store; it sends the worker only what is not in the store. It never
imports torch, and it outlives the worker.
"""

import importlib
import logging
import os
import queue
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from itertools import zip_longest

from assets.files import Files
from assets.store import Store
from nodes.api import Node
from nodes.preview.learned import COLOURS, colour_maps
from nodes.preview.left import LEFT, pictures
from nodes.preview.tiny import tiny_decoders
from pipelines.document import Document
from pipelines.events import Event
from pipelines.executors.device import DeviceWorker
from pipelines.executors.part import Part, Summary
from pipelines.executors.resident import VALUE_BYTES
from pipelines.executors.run import Run
from pipelines.executors.task import Surroundings
from pipelines.groups import flattened
from pipelines.keys import numerics_class

REMEMBERED_RUNS = 1000
log = logging.getLogger(__name__)


class LocalExecutor:
    """submit, cancel, subscribe and wait may be called from any thread.

    device: torch device of the worker. threads: that torch uses on the CPU; None: half of the cores, since a thread
    that has to wait for a busy core holds up all the others (a sampling took 300 times as long on two busy cores with
    two threads as with one). nodes: module whose `library()` gives the nodes; the worker imports it too.
    ram_bytes: of values that the worker keeps at hand.
    """

    def __init__(
        self,
        store: Store,
        files: Files,
        device: str = "cpu",
        threads: int | None = None,
        nodes: str = "nodes.registry",
        ram_bytes: int = VALUE_BYTES,
    ) -> None:
        self._device = device
        colour_maps.keep_in(store.folder / COLOURS)
        pictures.keep_in(store.folder / LEFT)
        tiny_decoders.look_in(files.model_folders)
        library: dict[str, Node] = importlib.import_module(nodes).library()
        setup = {
            "store": str(store.folder.resolve()),
            "inputs": [str(folder.resolve()) for folder in files.inputs],
            "outputs": str(files.outputs.resolve()),
            "models": [str(folder.resolve()) for folder in files.models],
            "device": device,
            "threads": threads or max(1, (os.cpu_count() or 2) // 2),
            "nodes": nodes,
            "ram_bytes": ram_bytes,
        }
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}
        self._summaries: dict[str, Summary] = {}
        self._ended = threading.Condition(self._lock)
        self._listeners: list[Callable[[Event], None]] = []
        self._events: queue.SimpleQueue[tuple[Event, Summary | None] | None] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._current: Run | None = None
        self._worker = DeviceWorker(setup, self._on_death)
        self._around = Surroundings(library, store, files, self.numerics)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._tell, self._work)]
        for thread in self._threads:
            thread.start()

    def submit(self, document: Document, targets: Collection[str] | None = None, found: Part | None = None) -> str:
        """Queue a run of what `targets` (node ids, unfolded; None: every node) need; returns the run's id at once.

        found: what was found of just that in the store a moment ago, see `recalled`.
        """
        return self.submit_together([(document, targets)], [found])[0]

    def submit_together(
        self,
        workflows: Sequence[tuple[Document, Collection[str] | None]],
        found: Sequence[Part | None] = (),
    ) -> list[str]:
        """Queue runs that go on at the same time, so that what they have in common may be done at once.

        found: as in `submit`, of each.
        """
        for document, targets in workflows:
            nodes = flattened(document).nodes if targets else {}
            for node in targets or ():
                if node not in nodes:
                    raise ValueError(f"there is no node {node!r} to run; the workflow has: {', '.join(nodes)}")
        library = self._around.library
        parts = [
            Part(secrets.token_hex(8), document, targets, library, before)
            for (document, targets), before in zip_longest(workflows, found)
        ]
        with self._lock:
            self._parts |= {part.name: part for part in parts}
        for part in parts:
            self._say(Event("queued", part.name))
        self._waiting.put(Run(parts, self._around, self._worker, self._say, self._finish))
        return [part.name for part in parts]

    def cancel(self, run: str) -> None:
        """Stop a run, queued or running, within one step of the node that runs. What is finished stays stored."""
        with self._lock:
            found, current = self._parts.get(run), self._current
            if found:
                found.stop.set()
            if found and current and run in current.parts:
                self._worker.cancel(found.spot(""))

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Have `callback` called with every event, in order, from a thread of the executor; returns how to stop it."""
        with self._lock:
            self._listeners.append(callback)

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._listeners:
                    self._listeners.remove(callback)

        return unsubscribe

    def wait(self, run: str, timeout: float | None = None) -> Summary:
        """How the run ended, once its last event is delivered; TimeoutError after `timeout` seconds."""
        with self._ended:
            if run not in self._parts and run not in self._summaries:
                raise ValueError(f"there is no run {run!r} (any more)")
            if not self._ended.wait_for(lambda: run in self._summaries, timeout):
                raise TimeoutError(f"the run {run} has not ended within {timeout:g} s")
            return self._summaries[run]

    def ended(self, runs: Collection[str], timeout: float) -> dict[str, Summary]:
        """Those of the runs that have ended, as soon as one has; none after `timeout` seconds."""
        with self._ended:
            self._ended.wait_for(lambda: any(run in self._summaries for run in runs), timeout)
            return {run: self._summaries[run] for run in runs if run in self._summaries}

    def memory(self) -> dict[str, dict[str, int]]:
        """{"bytes", "budget"} of the "values" and the "models" that the worker holds, as far as it has said."""
        return self._worker.memory()

    def bound(self, ram_bytes: int) -> None:
        """Set how many bytes of values the worker may keep at hand, from now on."""
        self._worker.bound(ram_bytes)

    @property
    def worker_pid(self) -> int:
        return self._worker.pid

    @property
    def worker_log(self) -> str:
        """The last lines that the worker printed: tracebacks, and what libraries say. For a report of a fault."""
        return self._worker.log

    def close(self) -> None:
        """Cancel every run and end the worker; the store stays open."""
        with self._lock:
            names = list(self._parts)
        for name in names:
            self.cancel(name)
        self._waiting.put(None)
        self._worker.close()
        self._threads[1].join()
        self._events.put(None)
        self._threads[0].join()

    def _work(self) -> None:
        while (run := self._waiting.get()) is not None:
            self._current = run
            run.perform()
            self._current = None

    def _finish(self, run: str, summary: Summary) -> None:
        ending = Event(
            "finished",
            run,
            seconds=summary.seconds,
            ran=len(summary.ran),
            cached=len(summary.cached),
            failed=len(summary.failed),
            skipped=len(summary.skipped),
            cancelled=len(summary.cancelled),
        )
        self._events.put((ending, summary))

    def _on_death(self, why: str, log: str) -> None:
        run = self._current
        for name in [part.name for part in run.parts.values() if not part.is_over] if run else [None]:
            self._say(Event("worker_died", name, error=why, traceback=log))

    def numerics(self) -> str:
        """The numerics class of results: known here for the CPU, told by the worker of an accelerator when it is warm.

        RuntimeError where that never is.
        """
        return numerics_class() if self._device == "cpu" else self._worker.numerics()

    def _say(self, event: Event) -> None:
        self._events.put((event, None))

    def _tell(self) -> None:
        while (item := self._events.get()) is not None:
            event, summary = item
            with self._lock:
                listeners = list(self._listeners)
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    log.exception("a listener failed at %s", event.kind)
            if summary and event.run:
                self._remember(event.run, summary)

    def _remember(self, run: str, summary: Summary) -> None:
        with self._ended:
            self._parts.pop(run)
            self._summaries[run] = summary
            while len(self._summaries) > REMEMBERED_RUNS:
                self._summaries.pop(next(iter(self._summaries)))
            self._ended.notify_all()
