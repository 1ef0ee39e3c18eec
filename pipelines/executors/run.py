"""One run of a workflow: what is stored is taken from the store, the rest is computed, several nodes at a time."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from traceback import format_exc
from typing import Any

from assets.store import BlobMissing
from nodes.api import Node
from pipelines.check import Problem, Report, check
from pipelines.document import Document
from pipelines.events import Event
from pipelines.executors.agenda import Agenda
from pipelines.executors.device import DeviceWorker
from pipelines.executors.earlier import earlier
from pipelines.executors.needs import model_inputs
from pipelines.executors.still_there import still_there
from pipelines.executors.task import Surroundings, Task, task_of
from pipelines.plan import Plan, plan
from pipelines.set_aside import as_run

IN_FLIGHT = 32
MAX_REPAIRS = 2
MAX_RERUNS = 2


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended, by node id, in the order of the plan.

    failed: with the sentence why. outputs: content digests by output name, of every node that ran or was cached.
    """

    ran: tuple[str, ...]
    cached: tuple[str, ...]
    failed: dict[str, str]
    skipped: tuple[str, ...]
    cancelled: tuple[str, ...]
    seconds: float
    outputs: dict[str, dict[str, str]]


@dataclass(slots=True)
class Flight:
    """A task at the worker. begun: it is computing. made: what came out, which is on disk only when the task lands."""

    task: Task
    begun: bool = False
    made: Mapping[str, Any] | None = None


class Run:
    """A run and how far it is. `perform` does it, in one thread; `stop` may be set from any.

    worker: computes what is not stored; without one, a run only takes what is. say: passes an event on.
    """

    def __init__(
        self,
        name: str,
        document: Document,
        targets: Collection[str] | None,
        around: Surroundings,
        worker: DeviceWorker | None,
        say: Callable[[Event], None],
    ) -> None:
        self.name = name
        self.stop = threading.Event()
        self._whole = document
        self._document = as_run(document, around.library)
        self._around = around
        self._worker = worker
        self._say = say
        self._targets = targets
        self._plan = Plan((), ())
        self._agenda = Agenda((), {})
        self._report = Report({}, ())
        self._errors: dict[str, Problem] = {}
        self._endings: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._outputs: dict[str, dict[str, str]] = {}
        self._flights: dict[str, Flight] = {}
        self._computing: set[str] = set()
        self._by_key: dict[str, str] = {}
        self._again: set[str] = set()
        self._repairs: Counter[str] = Counter()
        self._deaths: Counter[str] = Counter()
        self._idle_deaths = 0
        self._no_worker = False

    def perform(self) -> Summary:
        """Do everything that the targets need. A node that fails fails what depends on it and nothing else."""
        started = time.perf_counter()
        self._plan = plan(self._document, self._targets)
        sources = {node: [port.node for port in wired.values()] for node, wired in self._document.incoming.items()}
        self._agenda = Agenda(self._plan.order, sources)
        try:
            self._report = check(self._document, self._around.library, self._around.files)
            self._errors = self._report.errors
            for node in (node for loop in self._plan.loops for node in loop):
                self._fail(node, self._errors[node].sentence)
            with self._around.store.running() if self._worker else nullcontext():
                while self._agenda.head or self._flights:
                    self._start_what_is_ready()
                    if self._flights:
                        self._hear()
        except Exception as fault:
            # A disk that is full, a store that cannot be opened: the run ends with the reason, the executor goes on.
            self._give_up(f"{type(fault).__name__}: {fault}", format_exc())
        return self._summary(time.perf_counter() - started)

    def _start_what_is_ready(self) -> None:
        while (node := self._agenda.head) and self._may_start(node):
            self._agenda.pop()
            self._attempt(node)

    def _may_start(self, node: str) -> bool:
        """A node that a worker died in runs alone, so that it is known which one it was if it happens again."""
        if any(self._deaths[other] for other in self._computing):
            return False
        return not self._computing if self._deaths[node] else len(self._computing) < IN_FLIGHT

    def _attempt(self, node: str) -> None:
        """Look a ready node up, or have it computed, or say why it can't be."""
        sources = self._document.incoming[node]
        lost = next((source.node for source in sources.values() if source.node not in self._outputs), None)
        if self.stop.is_set():
            self._end(node, "cancelled")
        elif self._no_worker:
            self._end(node, "skipped", error="the worker process died in this run; run again")
        elif node in self._errors:
            self._fail(node, self._errors[node].sentence)
        elif lost is not None:
            self._end(node, "skipped", error=f"it needs {lost!r}, which has no result")
        else:
            try:
                self._recall_or_start(task_of(node, self._document, self._outputs, self._around, self._whole))
            except BlobMissing:
                self._repair(node, list(sources))
            except (ValueError, OSError) as error:
                self._fail(node, str(error))

    def _recall_or_start(self, task: Task) -> None:
        node = task.node
        if task.key in self._by_key:
            # The same computation is under way for another node: its result will be stored, or this one tries itself.
            self._agenda.wait(node, [self._by_key[task.key]])
        elif node not in self._again and self._recall(task):
            pass
        elif self._worker is None:
            self._end(node, "cancelled")
        else:
            self._again.discard(node)
            self._flights[node] = Flight(task)
            self._computing.add(node)
            self._by_key[task.key] = node
            self._worker.start(task, earlier(task, self._declared(node), self._around))
            if self.stop.is_set():  # whoever set it may not have seen this task
                self._worker.cancel()

    def _recall(self, task: Task) -> bool:
        store, declared = self._around.store, self._declared(task.node)
        action = store.lookup(task.key)
        if action is None or not still_there(declared, action.outputs, store, self._around.files):
            return False
        self._outputs[task.node] = action.outputs
        specs = {name: str(spec) for name, spec in self._report.specs.get(task.node, {}).items()}
        self._end(task.node, "cached", outputs=action.outputs, specs=specs)
        return True

    def _hear(self) -> None:
        """Wait for what the worker says next, and act upon it."""
        assert self._worker
        task, said, data = self._worker.hear()
        if task is None:
            self._recover(said["error"], said["was_warm"])
            return
        node, flight = task.node, self._flights[task.node]
        match said["say"]:
            case "begun":
                flight.begun = True
                self._say(Event("started", self.name, node))
                self._prefetch_after(node)
            case "step":
                self._say(Event("step", self.name, node, step=said["step"], total=said["total"]))
            case "preview":
                kind, caption = said["media_type"], said["caption"]
                self._say(Event("preview", self.name, node, media_type=kind, data=data, caption=caption))
            case "made":
                flight.made = said
                self._outputs[node] = said["outputs"]
                self._computing.discard(node)
                self._agenda.settle(node)
            case "kept":
                made = self._land(node).made or {}
                told = ("outputs", "specs", "seconds", "peak_bytes", "reused", "total")
                details = {name: made[name] for name in told if name in made}
                self._end(node, "done", **details)
            case "failed":
                self._land(node)
                self._fail(node, said["error"], said["traceback"])
            case "cancelled":
                self._land(node)
                self._end(node, "cancelled")
            case "missing":
                self._land(node)
                self._repair(node, said["inputs"])

    def _prefetch_after(self, node: str) -> None:
        """While one node has the device, load what the next one in the plan will want of it."""
        assert self._worker
        if not model_inputs(self._declared(node)):
            return
        for later in self._agenda.after(node):
            sources = self._document.incoming[later]
            if later in self._endings or later in self._flights or later in self._errors:
                continue
            wanted = [sources[name] for name in model_inputs(self._declared(later)) if name in sources]
            if wanted:
                known = [source for source in wanted if source.node in self._outputs]
                self._worker.prefetch([self._outputs[source.node][source.name] for source in known])
                return

    def _land(self, node: str) -> Flight:
        flight = self._flights.pop(node)
        self._computing.discard(node)
        del self._by_key[flight.task.key]
        return flight

    def _recover(self, why: str, was_warm: bool) -> None:
        """The worker died: what it was at is attempted again with the next one, but not for ever."""
        flights = [self._land(node) for node in list(self._flights)]
        suspects = {flight.task.node for flight in flights if flight.begun and not flight.made}
        self._deaths.update(suspects)
        self._idle_deaths += not suspects
        self._no_worker = not was_warm or self._idle_deaths > MAX_RERUNS
        for flight in flights:
            node = flight.task.node
            if self._no_worker:
                self._fail(node, why)
            elif self._deaths[node] > MAX_RERUNS:
                self._fail(node, f"{why} (this happened {self._deaths[node]} times in this node)")
            else:
                self._agenda.put(node)

    def _repair(self, node: str, inputs: Collection[str]) -> None:
        """Have the nodes that made those inputs make them again, then try this one again."""
        self._repairs[node] += 1
        if self._repairs[node] > MAX_REPAIRS:
            self._fail(node, f"the stored results for {', '.join(inputs)} are damaged each time; check the disk")
            return
        makers = {self._document.incoming[node][name].node for name in inputs}
        for maker in makers - self._flights.keys():
            self._again.add(maker)
            self._agenda.put(maker)
        self._agenda.wait(node, makers)

    def _give_up(self, sentence: str, traceback: str) -> None:
        if self._worker:
            self._worker.drop()
        for node in self._plan.order:
            if node in self._endings:
                continue
            if sentence:
                self._fail(node, sentence, traceback)
                sentence = ""
            else:
                self._end(node, "skipped", error="the run could not go on")

    def _fail(self, node: str, sentence: str, traceback: str | None = None) -> None:
        self._failed[node] = sentence
        self._end(node, "failed", error=sentence, traceback=traceback)

    def _end(self, node: str, kind: Any, **details: Any) -> None:
        """Note and say how a node ended; one whose result has to be made again loses it if that does not work out."""
        self._endings[node] = kind
        if kind not in ("done", "cached"):
            self._outputs.pop(node, None)
        self._agenda.settle(node)
        self._say(Event(kind, self.name, node, **details))

    def _declared(self, node: str) -> Node:
        return self._around.library[self._document.nodes[node]["type"]]

    def _summary(self, seconds: float) -> Summary:
        def ended(kind: str) -> tuple[str, ...]:
            return tuple(node for node in self._plan.order if self._endings.get(node) == kind)

        return Summary(
            ran=ended("done"),
            cached=ended("cached"),
            failed=self._failed,
            skipped=ended("skipped"),
            cancelled=ended("cancelled"),
            seconds=seconds,
            outputs=self._outputs,
        )
