"""One workflow among those of a run, by the ids of its own nodes: what is known of it, and how far it is."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

from pipelines.check import Library, Report, check
from pipelines.document import Document
from pipelines.executors.task import Surroundings
from pipelines.plan import Plan, plan
from pipelines.set_aside import as_run


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


class Part:
    """name: by which it was submitted. whole: as a person has it, groups and all. `stop` may be set from any thread.

    found: what a run of the same found a moment ago, which computed nothing (pipelines.recall).
    """

    def __init__(
        self,
        name: str,
        whole: Document,
        targets: Collection[str] | None,
        library: Library,
        found: "Part | None" = None,
    ) -> None:
        self.name = name
        self.whole = whole
        self.document: Document = found.document if found else as_run(whole, library)
        self.found = found
        self.plan = Plan((), ())
        self.report = Report({}, ())
        self.stop = threading.Event()
        self.is_over = False
        self._targets = targets
        self.endings: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self.outputs: dict[str, dict[str, str]] = {}

    def begin(self) -> None:
        """Find out what has to be done, and in which order."""
        self.plan = self.found.plan if self.found else plan(self.document, self._targets)

    def check(self, around: Surroundings) -> None:
        """Find out which nodes cannot be done, and what can be known of the others."""
        self.report = self.found.report if self.found else check(self.document, around.library, around.files)

    def known(self, node: str) -> dict[str, str] | None:
        """What was found of a node, where all that it depends on is as it was then."""
        if self.found is None or node not in self.found.outputs:
            return None
        before = self.found.outputs
        stands = all(self.outputs.get(source) == before.get(source) for source in self.document.sources[node])
        return before[node] if stands else None

    def sources(self) -> dict[str, list[str]]:
        """By spot, in the order of the plan: the spots that the node depends on."""
        return {
            self.spot(node): [self.spot(source) for source in self.document.sources[node]] for node in self.plan.order
        }

    def spot(self, node: str) -> str:
        """What a node is called among those of all parts of a run."""
        return f"{self.name}/{node}"

    @property
    def has_ended(self) -> bool:
        """Whether every node has an ending; one that is made again for another has one meanwhile."""
        return len(self.endings) == len(self.plan.order) + sum(map(len, self.plan.loops))

    def summary(self, seconds: float) -> Summary:
        def ended(kind: str) -> tuple[str, ...]:
            return tuple(node for node in self.plan.order if self.endings.get(node) == kind)

        return Summary(
            ran=ended("done"),
            cached=ended("cached"),
            failed=self.failed,
            skipped=ended("skipped"),
            cancelled=ended("cancelled"),
            seconds=seconds,
            outputs=self.outputs,
        )
