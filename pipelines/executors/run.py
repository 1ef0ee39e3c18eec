"""One run of a workflow, or of several: what is stored is taken, the rest is computed, several nodes at a time."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from traceback import format_exc
from typing import Any

from assets.store import BlobMissing, Lookup
from nodes.api import Node
from pipelines.check import Problem
from pipelines.document import Port
from pipelines.events import Event
from pipelines.executors.agenda import Agenda
from pipelines.executors.device import DeviceWorker
from pipelines.executors.earlier import earlier
from pipelines.executors.needs import model_inputs
from pipelines.executors.part import Part, Summary
from pipelines.executors.still_there import still_there
from pipelines.executors.task import Surroundings, Task, task_of

IN_FLIGHT = 32
MAX_REPAIRS = 2
MAX_RERUNS = 2


@dataclass(slots=True)
class Flight:
    """A task at the worker. begun: it is computing. made: what came out, which is on disk only when the task lands."""

    task: Task
    begun: bool = False
    made: Mapping[str, Any] | None = None


class Run:
    """A run and how far it is. `perform` does it, in one thread; `stop` of its parts may be set from any.

    Its nodes are known by their spots, `Part.spot`. What parts have in common is computed once.
    worker: computes what is not stored; without one, a run only takes what is. say: passes an event on. ended: is told
    how a part ended, at the latest when all have.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        around: Surroundings,
        worker: DeviceWorker | None,
        say: Callable[[Event], None],
        ended: Callable[[str, Summary], None],
    ) -> None:
        self.parts = {part.name: part for part in parts}
        self._around = around
        self._worker = worker
        self._say = say
        self._tell_end = ended
        self._started = 0.0
        self._lookup: Lookup = around.store.lookup
        self._agenda = Agenda((), {})
        self._errors: dict[str, Problem] = {}
        self._flights: dict[str, Flight] = {}
        self._computing: set[str] = set()
        self._by_key: dict[str, str] = {}
        self._again: set[str] = set()
        self._repairs: Counter[str] = Counter()
        self._deaths: Counter[str] = Counter()
        self._idle_deaths = 0
        self._no_worker = False

    def perform(self) -> None:
        """Do everything that the targets need. A node that fails fails what depends on it and nothing else."""
        self._started = time.perf_counter()
        sources: dict[str, list[str]] = {}
        for part in self.parts.values():
            part.begin()
            sources |= part.sources()
        self._agenda = Agenda(tuple(sources), sources)
        try:
            for part in self.parts.values():
                part.check(self._around)
                self._errors |= {part.spot(node): problem for node, problem in part.report.errors.items()}
                for spot in (part.spot(node) for loop in part.plan.loops for node in loop):
                    self._fail(spot, self._errors[spot].sentence)
            with self._around.store.running() if self._worker else nullcontext():
                self._lookup = self._around.store.at_once()
                while self._agenda.head or self._flights:
                    self._start_what_is_ready()
                    if self._flights:
                        self._lookup = self._around.store.lookup  # what was read at once may be gone later
                        self._hear()
        except Exception as fault:
            # A disk that is full, a store that cannot be opened: the run ends with the reason, the executor goes on.
            self._give_up(f"{type(fault).__name__}: {fault}", format_exc())
        for part in self.parts.values():
            self._end_part(part)

    def _start_what_is_ready(self) -> None:
        while (node := self._agenda.head) and self._may_start(node):
            self._agenda.pop()
            self._attempt(node)

    def _may_start(self, node: str) -> bool:
        """A node that a worker died in runs alone, so that it is known which one it was if it happens again."""
        if self._deaths and any(self._deaths[each] for each in (node, *self._computing)):
            return not self._computing
        return len(self._computing) < IN_FLIGHT

    def _attempt(self, spot: str) -> None:
        """Look a ready node up, or have it computed, or say why it can't be."""
        part, node = self._at(spot)
        sources = part.document.incoming[node]
        lost = [source.node for source in sources.values() if source.node not in part.outputs]
        if part.stop.is_set():
            self._end(spot, "cancelled")
        elif self._no_worker:
            self._end(spot, "skipped", error="the worker process died in this run; run again")
        elif spot in self._errors:
            self._fail(spot, self._errors[spot].sentence)
        elif lost:
            self._end(spot, "skipped", error=f"it needs {lost[0]!r}, which has no result")
        elif spot not in self._again and (outputs := part.known(node)):
            self._take(spot, outputs)
        else:
            try:
                self._recall_or_start(spot, task_of(node, part.document, part.outputs, self._around, part.whole))
            except BlobMissing:
                makers = {part.spot(source.node) for source in sources.values()}
                if writing := makers & self._flights.keys():  # what they made is known, and not on disk yet
                    self._agenda.wait(spot, writing)
                else:
                    self._repair(spot, list(sources))
            except (ValueError, OSError) as error:
                self._fail(spot, str(error))

    def _recall_or_start(self, spot: str, task: Task) -> None:
        if task.key in self._by_key:
            # The same computation is under way for another node: its result will be stored, or this one tries itself.
            self._agenda.wait(spot, [self._by_key[task.key]])
        elif spot not in self._again and self._recall(spot, task):
            pass
        elif self._worker is None:
            self._end(spot, "cancelled")
        else:
            self._again.discard(spot)
            self._flights[spot] = Flight(task)
            self._computing.add(spot)
            self._by_key[task.key] = spot
            self._worker.start(spot, task, earlier(task, self._declared(spot), self._around))
            part, _ = self._at(spot)
            if part.stop.is_set():  # whoever set it may not have seen this task
                self._worker.cancel(part.spot(""))

    def _recall(self, spot: str, task: Task) -> bool:
        outputs, declared = self._lookup(task.key), self._around.library[task.type]
        if outputs is None or not still_there(declared, outputs, self._around.store, self._around.files):
            return False
        self._take(spot, outputs)
        return True

    def _take(self, spot: str, outputs: dict[str, str]) -> None:
        part, node = self._at(spot)
        part.outputs[node] = outputs
        specs = {name: str(spec) for name, spec in part.report.specs.get(node, {}).items()}
        self._end(spot, "cached", outputs=outputs, specs=specs)

    def _hear(self) -> None:
        """Wait for what the worker says next, and act upon it."""
        assert self._worker
        spot, said, data = self._worker.hear()
        if spot is None:
            self._recover(said["error"], said["was_warm"])
            return
        flight, (part, node) = self._flights[spot], self._at(spot)
        match said["say"]:
            case "begun":
                flight.begun = True
                self._say(Event("started", part.name, node))
                self._prefetch_after(spot)
            case "step":
                self._say(Event("step", part.name, node, step=said["step"], total=said["total"]))
            case "preview":
                kind, caption = said["media_type"], said["caption"]
                self._say(Event("preview", part.name, node, media_type=kind, data=data, caption=caption))
            case "made":
                flight.made = said
                part.outputs[node] = said["outputs"]
                self._computing.discard(spot)
                self._agenda.settle(spot)
            case "kept":
                made = self._land(spot).made or {}
                told = ("outputs", "specs", "seconds", "peak_bytes", "note", "memory", "reused", "total")
                details = {name: made[name] for name in told if name in made}
                self._end(spot, "done", **details)
            case "failed":
                self._land(spot)
                self._fail(spot, said["error"], said["traceback"])
            case "cancelled":
                self._land(spot)
                self._end(spot, "cancelled")
            case "missing":
                self._land(spot)
                self._repair(spot, said["inputs"])

    def _prefetch_after(self, spot: str) -> None:
        """While one node has the device, load what the next one in the plan will want of it."""
        assert self._worker
        if not model_inputs(self._declared(spot)):
            return
        for later in self._agenda.after(spot):
            part, node = self._at(later)
            sources = self._sources(later)
            if node in part.endings or later in self._flights or later in self._errors:
                continue
            wanted = [sources[name] for name in model_inputs(self._declared(later)) if name in sources]
            if wanted:
                known = [source for source in wanted if source.node in part.outputs]
                self._worker.prefetch([part.outputs[source.node][source.name] for source in known])
                return

    def _land(self, spot: str) -> Flight:
        flight = self._flights.pop(spot)
        self._computing.discard(spot)
        del self._by_key[flight.task.key]
        return flight

    def _recover(self, why: str, was_warm: bool) -> None:
        """The worker died: what it was at is attempted again with the next one, but not for ever."""
        flights = {spot: self._land(spot) for spot in list(self._flights)}
        suspects = {spot for spot, flight in flights.items() if flight.begun and not flight.made}
        self._deaths.update(suspects)
        self._idle_deaths += not suspects
        self._no_worker = not was_warm or self._idle_deaths > MAX_RERUNS
        for spot in flights:
            if self._no_worker:
                self._fail(spot, why)
            elif self._deaths[spot] > MAX_RERUNS:
                self._fail(spot, f"{why} (this happened {self._deaths[spot]} times in this node)")
            else:
                self._agenda.put(spot)

    def _repair(self, spot: str, inputs: Collection[str]) -> None:
        """Have the nodes that made those inputs make them again, then try this one again."""
        self._repairs[spot] += 1
        if self._repairs[spot] > MAX_REPAIRS:
            self._fail(spot, f"the stored results for {', '.join(inputs)} are damaged each time; check the disk")
            return
        part, _ = self._at(spot)
        sources = self._sources(spot)
        makers = {part.spot(sources[name].node) for name in inputs}
        for maker in makers - self._flights.keys():
            self._again.add(maker)
            self._agenda.put(maker)
        self._agenda.wait(spot, makers)

    def _give_up(self, sentence: str, traceback: str) -> None:
        if self._worker:
            self._worker.cancel("")
            self._worker.drop()
        for spot in (part.spot(node) for part in self.parts.values() for node in part.plan.order):
            part, node = self._at(spot)
            if node in part.endings:
                continue
            if sentence:
                self._fail(spot, sentence, traceback)
                sentence = ""
            else:
                self._end(spot, "skipped", error="the run could not go on")

    def _fail(self, spot: str, sentence: str, traceback: str | None = None) -> None:
        part, node = self._at(spot)
        part.failed[node] = sentence
        self._end(spot, "failed", error=sentence, traceback=traceback)

    def _end(self, spot: str, kind: Any, **details: Any) -> None:
        """Note and say how a node ended; one whose result has to be made again loses it if that does not work out."""
        part, node = self._at(spot)
        part.endings[node] = kind
        if kind not in ("done", "cached"):
            part.outputs.pop(node, None)
        self._agenda.settle(spot)
        self._say(Event(kind, part.name, node, **details))
        others = [other for other in self.parts.values() if other is not part and not other.is_over]
        if others and part.has_ended and not any(self._at(other)[0] is part for other in self._flights):
            self._end_part(part)

    def _end_part(self, part: Part) -> None:
        """Tell how a part ended, which need not wait for the others."""
        if not part.is_over:
            part.is_over = True
            self._tell_end(part.name, part.summary(time.perf_counter() - self._started))

    def _at(self, spot: str) -> tuple[Part, str]:
        """The part and the node of a spot."""
        name, _, node = spot.partition("/")
        return self.parts[name], node

    def _sources(self, spot: str) -> dict[str, Port]:
        part, node = self._at(spot)
        return part.document.incoming[node]

    def _declared(self, spot: str) -> Node:
        part, node = self._at(spot)
        return self._around.library[part.document.nodes[node]["type"]]
