"""One run of a workflow: node after node, each looked up in the store first and computed only if it is not there."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from traceback import format_exc
from typing import Any

from assets.files import Files
from assets.store import BlobMissing, Store
from nodes.api import Node
from nodes.context import Workflow
from pipelines.arguments import Number, injected, of_type, parameters, widget_values
from pipelines.check import Library, Problem, Report, check
from pipelines.connect import widget_content
from pipelines.document import Document, dumps
from pipelines.events import Event
from pipelines.executors.still_there import still_there
from pipelines.keys import node_key
from pipelines.plan import plan

MAX_REPAIRS = 2


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended, by node id.

    failed: with the sentence why. outputs: content digests by output name, of every node that ran or was cached.
    """

    ran: tuple[str, ...]
    cached: tuple[str, ...]
    failed: dict[str, str]
    skipped: tuple[str, ...]
    cancelled: tuple[str, ...]
    seconds: float
    outputs: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Task:
    """One node to compute.

    inputs: digests by the name of the port or wired widget. workflow: the document's text, for a node that asks for it.
    """

    node: str
    type: str
    widgets: dict[str, Number]
    inputs: dict[str, str]
    workflow: str


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs work with.

    numerics: the numerics class of the worker; may wait until it is warm. compute: has a task done and returns what
    the worker said last of it: done, failed, cancelled, missing or died. say: passes an event on.
    """

    library: Library
    store: Store
    files: Files
    device: str
    numerics: Callable[[], str]
    compute: Callable[["Run", Task], Mapping[str, Any]]
    say: Callable[[Event], None]


class Run:
    """A run and how far it is. `perform` does it, in one thread; `stop` may be set from any."""

    def __init__(self, name: str, document: Document, targets: Collection[str] | None, engine: Engine) -> None:
        self.name = name
        self.stop = threading.Event()
        self._document = document
        self._targets = targets
        self._engine = engine
        self._report = Report({}, ())
        self._errors: dict[str, Problem] = {}
        self._endings: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._outputs: dict[str, dict[str, str]] = {}
        self._repairs: Counter[str] = Counter()
        self._worker_died = False

    def perform(self) -> Summary:
        """Do everything that the targets need. A node that fails fails what depends on it and nothing else."""
        started = time.perf_counter()
        planned = plan(self._document, self._targets)
        try:
            self._report = check(self._document, self._engine.library, self._engine.files)
            self._errors = self._report.errors
            for node in (node for loop in planned.loops for node in loop):
                self._fail(node, self._errors[node].sentence)
            for node in planned.order:
                self._settle(node)
        except Exception as fault:
            # A disk that is full, a store that cannot be opened: the run ends with the reason, the executor goes on.
            self._give_up(planned.order, f"{type(fault).__name__}: {fault}", format_exc())
        return self._summary(time.perf_counter() - started)

    def _settle(self, node: str) -> None:
        """Bring a node to its end, and before that again those whose stored results turn out to be damaged."""
        waiting = [(node, False)]
        while waiting:
            current, again = waiting[-1]
            damaged = self._attempt(current, again)
            if damaged:
                waiting.extend((source, True) for source in damaged)
            else:
                waiting.pop()

    def _attempt(self, node: str, again: bool) -> list[str]:
        """Look a node up or (with `again`, in any case) compute it; returns the nodes that have to be made again."""
        sources = self._document.incoming[node]
        lost = next((source.node for source in sources.values() if source.node not in self._outputs), None)
        if self.stop.is_set():
            self._end(node, "cancelled")
        elif self._worker_died:
            self._end(node, "skipped", error="the worker process died in this run; run again")
        elif node in self._errors:
            self._fail(node, self._errors[node].sentence)
        elif lost is not None:
            self._end(node, "skipped", error=f"it needs {lost!r}, which has no result")
        else:
            declared = self._engine.library[self._document.nodes[node]["type"]]
            inputs = {name: self._outputs[source.node][source.name] for name, source in sources.items()}
            widgets, _ = widget_values(declared, self._document.params(node), inputs)
            try:
                content = self._content(declared, node, widgets, inputs) if declared.content else None
            except BlobMissing:
                return self._repair(node, list(inputs))
            except (ValueError, OSError) as error:
                self._fail(node, str(error))
                return []
            key = node_key(declared, widgets, inputs, self._engine.numerics(), content)
            if again or not self._recall(node, declared, key):
                workflow = dumps(self._document) if of_type(declared.fn, Workflow) else ""
                return self._run_node(node, key, Task(node, declared.type, widgets, inputs, workflow))
        return []

    def _recall(self, node: str, declared: Node, key: str) -> bool:
        action = self._engine.store.lookup(key)
        if action is None or not still_there(declared, action.outputs, self._engine.store, self._engine.files):
            return False
        self._outputs[node] = action.outputs
        specs = {name: str(spec) for name, spec in self._report.specs.get(node, {}).items()}
        self._end(node, "cached", outputs=action.outputs, specs=specs)
        return True

    def _run_node(self, node: str, key: str, task: Task) -> list[str]:
        self._engine.say(Event("started", self.name, node))
        said = self._engine.compute(self, task)
        match said["say"]:
            case "done":
                outputs: dict[str, str] = said["outputs"]
                seconds, peak = said["seconds"], said["peak_bytes"]
                self._engine.store.record(key, task.type, outputs, seconds, self._engine.device, peak)
                self._outputs[node] = outputs
                self._end(node, "done", seconds=seconds, outputs=outputs, specs=said["specs"], peak_bytes=peak)
            case "failed":
                self._fail(node, said["error"], said["traceback"])
            case "died":
                self._worker_died = True
                self._fail(node, said["error"])
            case "cancelled":
                self._end(node, "cancelled")
            case "missing":
                return self._repair(node, said["inputs"])
        return []

    def _repair(self, node: str, inputs: Collection[str]) -> list[str]:
        """The nodes that made those inputs, so that they make them again."""
        self._repairs[node] += 1
        if self._repairs[node] > MAX_REPAIRS:
            self._fail(node, f"the stored results for {', '.join(inputs)} are damaged each time; check the disk")
            return []
        return sorted({self._document.incoming[node][name].node for name in inputs})

    def _content(
        self, declared: Node, node: str, widgets: Mapping[str, Number], inputs: Mapping[str, str]
    ) -> str | None:
        """What the node says that it reads from outside the graph."""
        assert declared.content
        wanted = set(parameters(declared.content))
        arguments: dict[str, Any] = {**dict.fromkeys(declared.inputs), **widgets}
        for name in wanted & inputs.keys():
            value = self._engine.store.get(inputs[name])
            arguments[name] = value.spec if name in declared.inputs else widget_content(value)
        given = {name: value for name, value in arguments.items() if name in wanted}
        return declared.content(**given, **injected(declared.content, self._engine.files))

    def _give_up(self, order: Collection[str], sentence: str, traceback: str) -> None:
        for node in order:
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
        self._engine.say(Event(kind, self.name, node, **details))

    def _summary(self, seconds: float) -> Summary:
        def ended(kind: str) -> tuple[str, ...]:
            return tuple(node for node, ending in self._endings.items() if ending == kind)

        return Summary(
            ran=ended("done"),
            cached=ended("cached"),
            failed=self._failed,
            skipped=ended("skipped"),
            cancelled=ended("cancelled"),
            seconds=seconds,
            outputs=self._outputs,
        )
