"""Works through the runs that wait, in order, and writes down how they went.

The book is the truth: what this process forgets by dying is in there. One process at a time works on a book; the others
add to it. A run that was cut short is queued again before all others, and the store sees to it that what it had
finished does not run twice. Runs of one sweep go on side by side where that is faster.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assets.files import Files
from assets.store import Store
from nodes.api import Node
from pipelines.database import Held
from pipelines.document import Document
from pipelines.events import Event
from pipelines.executors.lanes import PARTY
from pipelines.executors.local import LocalExecutor
from pipelines.executors.part import Summary
from pipelines.forecast import Forecast, Forecaster
from pipelines.groups import flattened
from pipelines.plan import upstream
from pipelines.queue.book import Book
from pipelines.queue.entry import ENDED, Entry, entry
from pipelines.queue.result import result_of, state_of, took
from pipelines.queue.together import pays_together
from pipelines.sweep import Axis, Cell

BOOK, MEASUREMENTS, LOCK = "runs-1.db", "measurements-1.db", "runs.lock"
# How soon it is noticed that another process added a run, asked to stop one, or died.
LOOK_SECONDS = 0.5
ENDINGS = ("done", "cached", "failed", "skipped", "cancelled")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """A run that goes on. done, total: nodes. step, steps: of `node`, which is at work. said: what began and ended."""

    run: str
    total: int
    done: int = 0
    node: str | None = None
    step: int | None = None
    steps: int | None = None
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: list[Event] = field(default_factory=list)


class Queue:
    """Begins to work at `start`; everything else may be called from any thread.

    folder: of the book, the measurements, and the lock that keeps a second process from working on the same runs.
    library, store, files, device: those of the executor.
    """

    def __init__(
        self,
        folder: Path,
        executor: LocalExecutor,
        library: Mapping[str, Node],
        store: Store,
        files: Files,
        device: str = "cpu",
    ) -> None:
        self.book = Book(folder / BOOK)
        self.forecaster = Forecaster(folder / MEASUREMENTS, library, store, files, device, executor.numerics)
        # Whether another process works on the book, as far as is known.
        self.elsewhere = True
        self._executor = executor
        self._library = library
        self._files = files
        self._device = device
        self._held = Held(folder / LOCK)
        # By the executor's names of the runs, which it has from here.
        self._working: dict[str, Progress] = {}
        self._lock = threading.Lock()
        self._look = threading.Condition()
        self._closing = False
        self._listeners: list[Callable[[Event], None]] = []
        self._watchers: list[Callable[[], None]] = []
        self._unsubscribe = executor.subscribe(self._pass_on)
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def progress(self) -> Progress | None:
        """The run that goes on, the first of them."""
        with self._lock:
            return next(iter(self._working.values()), None)

    def said(self, run: str) -> list[Event]:
        """What began and ended so far in a run that goes on, for whoever comes to it late."""
        with self._lock:
            return [event for progress in self._working.values() if progress.run == run for event in progress.said]

    def add(
        self, document: Document, workflow: str, targets: Collection[str] | None = None, *, first: bool = False
    ) -> Entry:
        """Queue a run of what `targets` need (None: every node); it is on disk when this returns."""
        return self.add_all([(entry(workflow, targets), document)], first=first)[0]

    def add_all(self, runs: Sequence[tuple[Entry, Document]], *, first: bool = False) -> list[Entry]:
        """Queue runs in that order, at the end or before all that wait; ValueError for a target that is not there."""
        for run, document in runs:
            _require(run.targets, document)
        self.book.add(runs, first=first)
        self._changed()
        return [run for run, _ in runs]

    def add_batch(
        self,
        workflow: str,
        variants: Sequence[tuple[str, Document]],
        targets: Collection[str] | None = None,
        *,
        first: bool = False,
    ) -> list[Entry]:
        """Queue a run of each document, with its label, as `Book.add_batch`; ValueError as `add_all`."""
        for _, document in variants:
            _require(targets, document)
        runs = self.book.add_batch(workflow, variants, targets, first=first)
        self._changed()
        return runs

    def add_sweep(self, workflow: str, axes: Sequence[Axis], cells: Sequence[Cell]) -> str:
        """Queue a run for each cell of a grid; returns the id of the sweep, which its runs carry."""
        sweep = secrets.token_hex(8)
        self.book.add_sweep(sweep, workflow, axes)
        self.add_all([(entry(workflow, None, cell.label, sweep), cell.document) for cell in cells])
        return sweep

    def cancel(self, run: str) -> None:
        """Take a run out of the queue, or stop it within one step. RunUnknown if there is none."""
        self.book.cancel(run)
        with self._lock:
            for name, progress in self._working.items():
                if progress.run == run:
                    self._executor.cancel(name)
        self._changed()

    def move(self, run: str, before: str | None = None) -> None:
        """Put a run that waits before another, or at the end. RunUnknown if one of them waits no longer."""
        self.book.move(run, before)
        self._changed()

    def put_first(self, run: str) -> None:
        """Put a run that waits before all others."""
        waiting = self.book.waiting()
        self.move(run, waiting[0].id if waiting else None)

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Have `listener` called with every event of every run, by the run's id here, from a thread of the executor."""
        self._listeners.append(listener)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called whenever the queue or the history has changed, from any thread."""
        self._watchers.append(watcher)

    def wait(self, run: str, timeout: float) -> Entry:
        """The run, once it has ended; TimeoutError after `timeout` seconds."""
        give_up = time.monotonic() + timeout
        with self._look:
            # Looked at again and again, since another process may be the one that does it.
            while (found := self.book.get(run)).state not in ENDED:
                if time.monotonic() > give_up:
                    raise TimeoutError(f"the run {run} has not ended within {timeout:g} s")
                self._look.wait(LOOK_SECONDS)
        return found

    def close(self) -> None:
        """Stop working; what was running is queued again, before all others. The executor is closed by its owner."""
        with self._lock:
            self._closing = True
            for name in self._working:
                self._executor.cancel(name)
        self._changed()
        if self._thread.is_alive():
            self._thread.join()
        self._unsubscribe()
        if self._held.take():
            self.book.begin_again()
            self._held.release()
        self.forecaster.close()
        self.book.close()

    def _work(self) -> None:
        version = 0
        while not self._closing:
            try:
                if self.elsewhere and self._held.take():
                    self.elsewhere = False
                    if self.book.begin_again():
                        self._changed()
                if version != (version := self.book.version()):
                    self._changed()
                run = None if self.elsewhere else self.book.begin()
                if run is not None:
                    self._try(run)
                    continue
            except Exception:
                # A disk that is full now may not be in a moment; what waits is still in the book.
                log.exception("the queue could not go on")
            with self._look:
                self._look.wait(LOOK_SECONDS)

    def _try(self, first: Entry) -> None:
        """A run that cannot even begin is a failed run, not one that is tried for ever."""
        runs = [first]
        try:
            if first.sweep and pays_together(self.book.document(first.id), self._library, self._files, self._device):
                while len(runs) < PARTY and (run := self.book.begin(first.sweep)):
                    runs.append(run)
            self._perform(runs)
        except Exception as fault:
            log.exception("the run %s could not be done", first.id)
            with self._lock:
                self._working.clear()
            sentence = f"this run could not be done ({type(fault).__name__}: {fault}); queue it again"
            for run in runs:
                if self.book.get(run.id).state not in ENDED:
                    self.book.finish(run.id, "failed", 0.0, {"failed": {"": sentence}})
            self._changed()

    def _perform(self, runs: Sequence[Entry]) -> None:
        # Before the first event, so that whoever watches knows by then whose events are coming.
        self._changed()
        documents = [self.book.document(run.id) for run in runs]
        forecasts = []
        for run, document in zip(runs, documents, strict=True):
            forecasts.append(self.forecaster.forecast(document, run.targets))
            self.book.expect(run.id, forecasts[-1].to_json())
        unfolded = [flattened(document) for document in documents]
        totals = [
            len(document.nodes if run.targets is None else upstream(document, run.targets))
            for run, document in zip(runs, unfolded, strict=True)
        ]
        with self._lock:
            # Held while submitting, so that the first events wait until it is known whose they are.
            names = self._executor.submit_together(
                [(document, run.targets) for run, document in zip(runs, documents, strict=True)],
                [forecast.found for forecast in forecasts],
            )
            progress = [Progress(run.id, total) for run, total in zip(runs, totals, strict=True)]
            self._working = dict(zip(names, progress, strict=True))
            for name in names if self._closing else ():
                self._executor.cancel(name)
        self._changed()
        left = dict(zip(names, zip(unfolded, forecasts, strict=True), strict=True))
        asked: set[str] = set()
        while left:
            for name, summary in self._executor.ended(left, LOOK_SECONDS).items():
                self._note_end(name, summary, *left.pop(name))
            for name in left.keys() - asked:
                # Another process may have asked to stop the run.
                if self.book.is_stopped(self._working[name].run):
                    self._executor.cancel(name)
                    asked.add(name)

    def _note_end(self, name: str, summary: Summary, document: Document, forecast: Forecast) -> None:
        with self._lock:
            progress = self._working.pop(name)
        if self._closing and summary.cancelled:
            return
        self.forecaster.learn(forecast, progress.nodes)
        result = result_of(document, self._library, summary, progress.nodes, forecast)
        self.book.finish(progress.run, state_of(summary), summary.seconds, result)
        self._changed()

    def _pass_on(self, event: Event) -> None:
        """An event of the executor, which knows the run by another name."""
        with self._lock:
            progress = self._working.get(event.run) if event.run is not None else None
            if event.run is not None and progress is None:
                return
            if progress:
                event = replace(event, run=progress.run)
                _follow(progress, event)
        for listener in self._listeners:
            listener(event)

    def _changed(self) -> None:
        with self._look:
            self._look.notify_all()
        for watcher in self._watchers:
            watcher()


def _require(targets: Collection[str] | None, document: Document) -> None:
    nodes = flattened(document).nodes if targets else {}
    for node in targets or ():
        if node not in nodes:
            raise ValueError(f"there is no node {node!r} to run; there are: {', '.join(nodes)}")


def _follow(progress: Progress, event: Event) -> None:
    if event.kind == "started":
        progress.node, progress.step, progress.steps = event.node, None, None
        progress.said.append(event)
    elif event.kind == "step":
        progress.node, progress.step, progress.steps = event.node, event.step, event.total
    elif event.kind in ENDINGS:
        progress.done += 1
        progress.said.append(event)
        if event.kind == "done" and event.node is not None:
            progress.nodes[event.node] = took(event)
