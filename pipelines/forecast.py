"""What a run will take, before it runs: from the specs of what flows, and from what this machine took before.

A node's seconds grow as a power of its load's size. Near a size that was measured the measurement is taken as it is;
away from it, it is scaled by the power that the measured sizes show (Theil-Sen slope of the logarithms, which a few
wild measurements do not move), or in proportion where only one size was seen. Its peak memory grows with the size of a
frame, which is worked on in turn, and with that of all frames, which are held.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median, median_low
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from assets.files import Files
from assets.store import Store
from assets.values import ClipSpec, ConditioningSpec, LatentSpec, MaskSpec, ModelHandle, PatchesSpec, TextSpec
from nodes.api import Node, Range
from nodes.families import footprint
from pipelines.check import Library, Specs
from pipelines.connect import known_widgets
from pipelines.document import Document
from pipelines.executors.memory import told_capacity
from pipelines.executors.part import Part
from pipelines.executors.placement import MemoryPlan, lossy, memory_plan
from pipelines.executors.task import Surroundings
from pipelines.keys import numerics_class
from pipelines.measurements import Load, Measurement, Measurements
from pipelines.recall import recalled
from pipelines.work_memory import WorkMemory

RECENT = 5
SAME = 1.02
STEEPEST = 2.0
Size = TypeVar("Size", float, tuple[float, float, float])
Floats = npt.NDArray[np.float64]


class Expected(NamedTuple):
    """Of one node."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """seconds, peak_bytes: of the whole run, as far as its nodes were measured before.

    nodes: what is expected of each that will run and was measured. unknown: those that will run and never did.
    cached: nodes whose results are stored. loads: of the nodes that will run, to learn from them afterwards. memory:
    where the weights of open models will be, of those nodes that take one and where the device says what it has. found:
    what a run that begins now need not find out again.
    """

    seconds: float
    peak_bytes: int
    nodes: dict[str, Expected]
    unknown: tuple[str, ...]
    cached: int
    loads: dict[str, Load]
    memory: dict[str, MemoryPlan]
    found: Part | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "peak_bytes": self.peak_bytes,
            "to_run": len(self.loads),
            "cached": self.cached,
            "unknown": len(self.unknown),
            "memory": [f"{node}: {plan}" for node, plan in self.memory.items()],
        }


class Forecaster:
    """Foresees runs and learns from them. Any thread may ask.

    path: of the SQLite file with the measurements. numerics: the class of the device's results, as in `Surroundings`.
    """

    def __init__(
        self,
        path: Path,
        library: Library,
        store: Store,
        files: Files,
        device: str,
        numerics: Callable[[], str] = numerics_class,
    ) -> None:
        self._measurements = Measurements(path, device)
        self._work_memory = WorkMemory(store.folder, device)
        self._device = device
        self._library = library
        self._files = files
        self._around = Surroundings(library, store, files, numerics)

    def forecast(self, document: Document, targets: Collection[str] | None = None) -> Forecast:
        """What a run of `targets` (None: every node) will take; what is stored takes nothing."""
        found = recalled(document, self._around, targets)
        document, specs, stored = found.document, found.report.specs, found.outputs.keys()
        loads: dict[str, Load] = {}
        memory: dict[str, MemoryPlan] = {}
        wrong = set(found.failed)
        for node in found.plan.order:
            if not wrong.isdisjoint(source.node for source in document.incoming[node].values()):
                wrong.add(node)
            elif node not in stored and node not in wrong:
                loads[node] = load_of(document, node, self._library[document.nodes[node]["type"]], specs)
                if planned := self._memory_plan(document, node, specs):
                    memory[node] = planned
        known: dict[tuple[str, int], list[Measurement]] = {}
        nodes: dict[str, Expected] = {}
        for node, load in loads.items():
            key = (load.node_type, load.version)
            if key not in known:
                known[key] = self._measurements.of(*key)
            if known[key]:
                seconds = expected(load, [(one.load, one.seconds) for one in known[key]])
                peak = expected_peak(load, [(one.load, float(one.peak_bytes)) for one in known[key]])
                nodes[node] = Expected(seconds, max(round(peak), memory[node].peak if node in memory else 0))
        unknown = tuple(node for node in loads if node not in nodes)
        total = sum(node.seconds for node in nodes.values())
        peaks = [*(node.peak_bytes for node in nodes.values()), *(plan.peak for plan in memory.values())]
        return Forecast(total, max(peaks, default=0), nodes, unknown, len(stored), loads, memory, found)

    def learn(self, forecast: Forecast, took: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember what the nodes of a run took: {"seconds", "peak_bytes"} by node."""
        alike: defaultdict[Load, list[tuple[float, int]]] = defaultdict(list)
        for node, what in took.items():
            if node in forecast.loads and not what.get("reused"):
                alike[forecast.loads[node]].append((what["seconds"], what["peak_bytes"] or 0))
        self._measurements.add(
            Measurement(load, median(seconds for seconds, _ in each), max(peak for _, peak in each))
            for load, each in alike.items()
        )

    def close(self) -> None:
        self._measurements.close()
        self._work_memory.close()

    def _memory_plan(self, document: Document, node: str, specs: Specs) -> MemoryPlan | None:
        """Where the weights of the model that a node works by will be; None where that is not known."""
        declared, incoming = self._library[document.nodes[node]["type"]], document.incoming[node]
        inputs = {name: specs.get(source.node, {}).get(source.name) for name, source in incoming.items()}
        known = {**inputs, **known_widgets(declared, document.params(node), inputs)}
        room, plans = told_capacity(self._device), list[MemoryPlan]()
        with suppress(ValueError, OSError, KeyError):  # a file that is gone or damaged: the run says so
            for handle in (spec for spec in inputs.values() if isinstance(spec, ModelHandle)):
                work = self._work_memory.foreseen(declared, handle, known)
                if room and work:
                    held, blocks = footprint.weights(handle), footprint.blocks(handle)
                    plans.append(memory_plan(held, room, self._device, handle.memory, work, blocks, lossy(handle)))
        return max(plans, key=lambda plan: plan.peak, default=None)


def load_of(document: Document, node: str, declared: Node, specs: Specs) -> Load:
    """What a node has to do, as far as specs and widgets tell.

    A widget called `steps` multiplies; choices, switches, models and numbers at the low end of their range (where what
    they govern is off, such as guidance 1) make another kind.
    """
    incoming = document.incoming[node]
    known = {name: specs.get(source.node, {}).get(source.name) for name, source in incoming.items()}
    widgets = known_widgets(declared, document.params(node), known)
    inputs = list(known.values())
    flowing = [spec for spec in (*inputs, *specs.get(node, {}).values()) if spec is not None]
    steps = float(widgets.get("steps") or 1)
    if declared.goes_on and (far := widgets.get(declared.goes_on.widget)):
        steps = min(steps, float(far))
    largest = max(flowing, key=volume, default=None)
    whole = volume(largest)
    kind: dict[str, Any] = {}
    for name, value in widgets.items():
        widget = declared.widgets[name]
        if widget.choices or widget.type == "bool":
            kind[name] = value
        elif isinstance(widget.meta, Range) and value == widget.meta.lo:
            kind[name] = "off"
    models = sorted(_model(spec) for spec in inputs if isinstance(spec, ModelHandle))
    said = json.dumps([kind, models], sort_keys=True)
    return Load(declared.type, declared.version, said, whole * steps, whole, whole / getattr(largest, "frames", 1))


def _model(handle: ModelHandle) -> str:
    """What a model's time and memory go by: its weights, and how they are held."""
    held = [said for said in (handle.precision, handle.memory) if said not in ("as stored", "automatic")]
    return " ".join([type(handle).__name__, handle.digest, *held])


def volume(spec: Any) -> float:
    """How many numbers a value holds, about; 1 where that is not known. A trajectory counts as what a step works on."""
    match spec:
        case ClipSpec():
            return float(spec.frames * spec.height * spec.width * spec.channels)
        case MaskSpec():
            return float(spec.frames * spec.height * spec.width)
        case LatentSpec():
            return float(spec.channels * spec.frames * spec.height * spec.width)
        case PatchesSpec():
            return float(spec.tokens * spec.dim)
        case ConditioningSpec(tokens=int(tokens)):
            return float(tokens * spec.dim)
        case TextSpec(text=str(text)):
            return 1.0 + len(text.split())
    return 1.0


def expected(load: Load, measured: Sequence[tuple[Load, float]]) -> float:
    """The seconds that `measured` (the last first, not empty) give for `load`."""
    typical = _typical(load, measured, lambda one: one.size)
    nearest = min(typical, key=lambda size: abs(math.log(size / load.size)))
    ratio = load.size / nearest
    if 1 / SAME < ratio < SAME:
        return typical[nearest]
    return typical[nearest] * math.pow(ratio, _power(typical))


def expected_peak(load: Load, measured: Sequence[tuple[Load, float]]) -> float:
    """The bytes that `measured` (the last first, not empty) give for `load`.

    What is always there (weights, libraries) does not grow; the work beside it grows in proportion to a frame and to
    all of them. Where only one size was measured, it is as much as that took.
    """
    sized = [one for one in measured if one[0].whole] or measured
    typical = _typical(load, sized, lambda one: (1.0, one.frame, one.whole))
    at = (1.0, load.frame, load.whole)
    if at in typical or len(typical) == 1:
        return typical.get(at, next(iter(typical.values())))
    return float(np.dot(at, _shares(np.array(list(typical)), np.array(list(typical.values())))))


def _shares(sizes: Floats, peaks: Floats) -> Floats:
    """Non-negative factors of the columns of sizes (n 3), whose sums differ the least from peaks (n), in proportion."""
    largest = sizes.max(axis=0, initial=1.0)
    weights = 1 / np.maximum(peaks, 1.0)
    columns = list(range(sizes.shape[1]))
    while True:
        scaled = sizes[:, columns] / largest[columns] * weights[:, None]
        factors = np.linalg.lstsq(scaled, peaks * weights, rcond=None)[0]
        if factors.min() >= 0:
            break
        columns.pop(int(factors.argmin()))
    shares: Floats = np.zeros_like(largest)
    shares[columns] = factors / largest[columns]
    return shares


def _typical(load: Load, measured: Sequence[tuple[Load, float]], size_of: Callable[[Load], Size]) -> dict[Size, float]:
    """What was measured by size, of the kind of `load` where there is some."""
    same_kind = [one for one in measured if one[0].kind == load.kind]
    by_size: defaultdict[Size, list[float]] = defaultdict(list)
    for one, quantity in same_kind or measured:
        by_size[size_of(one)].append(quantity)
    # The low median: a first time, which loads weights or starts a device, is not how long the next will take.
    return {size: median_low(quantities[:RECENT]) for size, quantities in by_size.items()}


def _power(typical: Mapping[float, float]) -> float:
    slopes = [
        math.log(typical[b] / typical[a]) / math.log(b / a)
        for a, b in combinations(sorted(typical), 2)
        if typical[a] > 0 and typical[b] > 0
    ]
    return min(STEEPEST, max(0.0, median(slopes))) if slopes else 1.0
