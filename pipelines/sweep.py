"""Sweeps: one workflow at every point of a grid over some of its widgets.

Each point is a run of its own; the stages that they share come from the store after the first.
"""

import csv
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nodes.api import Node, Range, Seed, Widget
from pipelines.arguments import Number, WidgetError, coerce
from pipelines.diff import with_param
from pipelines.document import Document
from pipelines.groups import records_of, with_faces
from pipelines.plan import upstream
from pipelines.saved_names import Setting, saved_apart

MOST_CELLS = 1000
# The sheet of a batch has so many in one row before it gets a second.
LONGEST_ROW = 8
RANGE = re.compile(r"\s*(-?[\d.]+)\s*\.\.\s*(-?[\d.]+)\s*(?::\s*(-?[\d.]+)\s*)?")
LARGEST_SEED = 2**31


class SweepError(ValueError):
    """A sweep that cannot be: what was got, what is needed, what to try."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The values that one widget goes through."""

    node: str
    widget: str
    values: tuple[Number, ...]

    def label(self, value: Number) -> str:
        """`guidance 4`, or a text as it is."""
        return value if isinstance(value, str) else f"{self.widget} {_plain(value)}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of a grid. at: index on each axis."""

    at: tuple[int, ...]
    label: str
    document: Document


def axis(text: str, document: Document, library: Mapping[str, Node]) -> Axis:
    """The axis that `sample.seed=1,2,3` or `sample.guidance=1..8:2` (first..last:step) says.

    The node is named by its id, or by its type where there is one of that type. Texts that hold commas go in quotes.
    """
    target, equals, said = text.partition("=")
    name, dot, widget = target.strip().rpartition(".")
    if not equals or not dot:
        raise SweepError(f"{text!r} is no axis; it needs node.widget=values, e.g. sample.seed=1,2,3 or 1..8:2")
    node = _node(name, document)
    declared = with_faces(library, document).get(document.nodes[node]["type"])
    if declared is None or widget not in declared.widgets:
        known = ", ".join(declared.widgets) if declared else ""
        raise SweepError(f"{node} has no widget {widget!r}; it has: {known or 'none'}")
    if widget in document.incoming[node]:
        raise SweepError(f"{node}.{widget} is wired, so its value comes from there; unwire it to go through values")
    values = _values(declared.widgets[widget], said)
    if not values:
        raise SweepError(f"{text!r} names no value; give some, e.g. {target}=1,2,3")
    return Axis(node, widget, values)


def grid(document: Document, axes: Sequence[Axis], library: Mapping[str, Node]) -> list[Cell]:
    """The document at every point, the last axis fastest, each saving to files of its own.

    SweepError if there are too many points or an axis twice.
    """
    count = math.prod(len(each.values) for each in axes)
    if not axes or count > MOST_CELLS:
        raise SweepError(f"the sweep has {count if axes else 0} runs; it needs 1 to {MOST_CELLS}: change the values")
    if len({(each.node, each.widget) for each in axes}) < len(axes):
        raise SweepError("two axes go through the same widget; put their values into one")
    return [_cell(document, axes, at, library) for at in itertools.product(*(range(len(each.values)) for each in axes))]


def seeds_of(
    document: Document, library: Mapping[str, Node], targets: Sequence[str] | None = None
) -> list[tuple[str, str, int]]:
    """(node's record, widget, seed) of each seed that a run takes from its widget. targets: as for a run."""
    tops = None if targets is None else {target.partition("/")[0] for target in targets}
    wanted = list(document.nodes if tops is None else upstream(document, tops))
    known = with_faces(library, document)
    return [
        (node, widget.name, int(coerce(widget, record.get("params", {}).get(widget.name, widget.default))))
        for node, record in records_of(document, wanted).items()
        if (declared := known.get(record["type"]))
        for widget in declared.widgets.values()
        if isinstance(widget.meta, Seed) and f"wire:{node}.{widget.name}" not in document.records
    ]


def seeds(
    document: Document, library: Mapping[str, Node], count: int, targets: Sequence[str] | None = None
) -> list[tuple[str, Document]]:
    """`count` documents with a label each, every next one with each seed one higher and files of its own.

    targets: as for a run, ids of the unfolded document. A seed in a group goes up for all that use the group.
    """
    found = seeds_of(document, library, targets)
    if count == 1:
        return [("", document)]
    if not found:
        raise SweepError("nothing in this workflow has a seed, so every run would be the same; queue it once")
    if not 1 <= count <= MOST_CELLS:
        raise SweepError(f"{count} seeds were asked for; it needs 1 to {MOST_CELLS}")
    made = []
    for number in range(count):
        label = f"seed {(found[0][2] + number) % LARGEST_SEED}"
        varied = document
        for node, name, seed in found:
            varied = with_param(varied, node, name, (seed + number) % LARGEST_SEED)
        made.append((label, saved_apart(varied, [Setting(*each[:2], label) for each in found], library)))
    return made


def batch_axes(labels: Sequence[str]) -> list[dict[str, Any]]:
    """The axes of the sheet of a batch: one, or so many rows as columns, each row named by its first."""
    if len(labels) <= LONGEST_ROW:
        return [{"node": "", "widget": "seed", "labels": list(labels)}]
    across = math.ceil(math.sqrt(len(labels)))
    columns = [f"+{number}" for number in range(across)]
    return [
        {"node": "", "widget": "seed", "labels": list(labels[::across])},
        {"node": "", "widget": "seed", "labels": columns},
    ]


def _cell(document: Document, axes: Sequence[Axis], at: tuple[int, ...], library: Mapping[str, Node]) -> Cell:
    settings = []
    for each, index in zip(axes, at, strict=True):
        value = each.values[index]
        document = with_param(document, each.node, each.widget, value)
        settings.append(Setting(each.node, each.widget, each.label(value)))
    label = ", ".join(setting.label for setting in settings)
    return Cell(at, label, saved_apart(document, settings, library))


def _node(name: str, document: Document) -> str:
    if name in document.nodes:
        return name
    of_type = [node for node, record in document.nodes.items() if record["type"] == name]
    if len(of_type) == 1:
        return of_type[0]
    known = ", ".join(of_type or document.nodes)
    why = f"{len(of_type)} nodes of type {name!r}; name one of them" if of_type else f"no node {name!r}"
    raise SweepError(f"there are {why}: {known}" if of_type else f"there is {why}; the workflow has: {known}")


def _values(widget: Widget, said: str) -> tuple[Number, ...]:
    span = RANGE.fullmatch(said) if widget.type in ("int", "float") else None
    parts = _span(widget, *span.groups()) if span else next(csv.reader([said], skipinitialspace=True), [])
    values = []
    for part in parts:
        try:
            values.append(coerce(widget, part.strip()))
        except WidgetError as refused:
            raise SweepError(str(refused)) from None
    return tuple(dict.fromkeys(values))


def _span(widget: Widget, first: str, last: str, by: str | None) -> list[str]:
    """first, first + by, ... up to last, counted from the first so that no error adds up."""
    usual = widget.meta.step if isinstance(widget.meta, Range) and widget.type == "int" else 1
    try:
        start, end = float(first), float(last)
        step = float(by) if by else math.copysign(usual, end - start)
    except ValueError:
        raise SweepError(f"{first}..{last} is no range of numbers; write e.g. 1..8:2") from None
    if step == 0 or (end - start) / step < 0:
        raise SweepError(f"{widget.name} never comes from {first} to {last} by {by}; turn the sign of the step")
    count = math.floor((end - start) / step + 1e-9) + 1
    if count > MOST_CELLS:
        raise SweepError(f"{first}..{last} by {step:g} gives {count} values; at most {MOST_CELLS} are run")
    return [f"{round(start + number * step, 10):.15g}" for number in range(count)]


def _plain(value: Number) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
