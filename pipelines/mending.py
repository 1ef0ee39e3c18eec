"""The legal number that a refused one is nearest to: what to set where it is written, or to put into its wire."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from assets.files import Files
from assets.values import ClipSpec, ScalarSpec
from nodes.api import Range
from pipelines.check import Library, Problem, Report, check
from pipelines.diff import RecordsDiff, apply, with_param
from pipelines.document import Document, Port, wire_id
from pipelines.groups import Flat, flatten
from pipelines.plan import upstream

SIZES = ("frames", "width", "height")
PLAIN = ("number", "whole_number")
REACH = 64
"""So far from a number the legal ones are looked for: past it, the artist knows better."""
SETTINGS = 8


class Insert(NamedTuple):
    """A node to put into the wire that ends at `into`, by its record's name."""

    type: str
    input: str
    output: str
    params: dict[str, Any]
    into: Port


class Change(NamedTuple):
    """A setting of a node, by its record's name, and its new value."""

    node: str
    setting: str
    value: int


@dataclass(frozen=True, slots=True)
class Mend:
    """What mends an error: other values of settings, or a node. label: as a button says it."""

    label: str
    changes: tuple[Change, ...] = ()
    insert: Insert | None = None


class Setting(NamedTuple):
    """A number that a person wrote: the record and the setting that hold it, what it is of, and what is there."""

    node: str
    name: str
    what: str
    value: float
    bounds: Range


def mending_wire(document: Document, source: Port, target: Port, library: Library, files: Files) -> Mend | None:
    """What lets a refused wire be, where it is a number that stands in its way. The ends are as in a run."""
    flat = flatten(document)
    if not {source.node, target.node} <= flat.origins.keys():
        return None
    ends = [Port(flat.origins[port.node], port.name) for port in (source, target)]
    wired = _wired(document, *ends)
    failing = (port.node for port in flat.targets(target))
    tried = (_mending(wired, node, library, files, ends[1]) for node in dict.fromkeys(failing))
    return next(filter(None, tried), None)


def mending(document: Document, node: str, library: Library, files: Files) -> Mend | None:
    """What mends the error of a node (as it is called in a run), where a number that is not legal is at fault.

    Found by trying: the nearest number with which the check has less to say, and nothing new.
    """
    return _mending(document, node, library, files, None)


def _mending(document: Document, node: str, library: Library, files: Files, into: Port | None) -> Mend | None:
    trying = Trying(document, node, library, files)
    if not any(problem.node == node for problem in trying.errors):
        return None
    flat = flatten(document)
    settings = list(_settings(flat, node, trying, library))[:SETTINGS]
    if changes := trying.changes(settings):
        what = {setting[:2]: setting.what for setting in settings}
        return Mend(_use({what[change[:2]]: change.value for change in changes}), changes)
    return _rounded(flat, node, trying, into) or _trimmed(flat, node, trying, into)


class Trying:
    """A workflow with an error, what the check says of it, and of it changed."""

    def __init__(self, document: Document, node: str, library: Library, files: Files) -> None:
        self.whole, self.node, self.library, self.files = document, node, library, files
        # Tried many times on what leads to the node, and once more on the whole where it does.
        self.near = document if "/" in node else _leading_to(document, node)
        self.report: Report = check(self.near, library, files)
        self.errors = _errors(self.report)

    def mends(self, change: Callable[[Document], Document]) -> bool:
        if not self.errors_of(change(self.near)) < self.errors:
            return False
        return self.near is self.whole or self.errors_of(change(self.whole)) < self.errors_of(self.whole)

    def errors_of(self, document: Document) -> frozenset[Problem]:
        return _errors(check(document, self.library, self.files))

    def changes(self, settings: list[Setting]) -> tuple[Change, ...]:
        """New values of those settings that are at fault, each by itself or together with others; () where none is."""
        halves: list[tuple[Setting, Change]] = []
        for setting in settings:
            half = None
            for number, value in enumerate(_nearest(setting.value, setting.bounds)):
                change = Change(setting.node, setting.name, value)
                errors = self.errors_of(_changed(self.near, change))
                if errors == self.errors and not number:
                    break  # it has no bearing on the error
                if self.mends(partial(_changed, change=change)):
                    return (change, *self._rest(setting, change, settings))
                if half is None and _kinds(self.errors) - _kinds(errors) and self._only_here(errors):
                    half = (setting, change)
            if half:
                halves.append(half)
        for setting, change in halves:
            if found := self._rest(setting, change, settings):
                return (change, *found)
        return ()

    def _rest(self, setting: Setting, change: Change, settings: list[Setting]) -> tuple[Change, ...]:
        rest = Trying(_changed(self.whole, change), self.node, self.library, self.files)
        others = [each for each in settings if each != setting]
        return rest.changes(others) if any(problem.node == self.node for problem in rest.errors) else ()

    def _only_here(self, errors: frozenset[Problem]) -> bool:
        return all(problem.node == self.node for problem in errors - self.errors)


def _rounded(flat: Flat, node: str, trying: Trying, into: Port | None) -> Mend | None:
    """A Calculate where a reckoned number comes in: it rounds to the numbers that are legal there."""
    declared = trying.library.get(flat.document.nodes[node]["type"])
    if declared is None:
        return None
    for name, source in flat.document.incoming[node].items():
        widget, spec = declared.widgets.get(name), trying.report.specs.get(source.node, {}).get(source.name)
        place = _place(trying.whole, flat, Port(node, name), into)
        if not (widget and place and isinstance(spec, ScalarSpec) and _is_number(spec.value)):
            continue
        value = float(spec.value)  # type: ignore[arg-type]
        bounds = widget.meta if isinstance(widget.meta, Range) else Range(-math.inf, math.inf)
        legal = []
        for number in _nearest(value, bounds):
            given = Insert("whole_number", "", "scalar", {"value": number}, place)
            if trying.errors_of(_with(trying.near, given, trying.library)) < trying.errors:
                legal.append(number)
                if len(legal) == 2:
                    break
        if len(legal) < 2:
            continue
        by = abs(legal[1] - legal[0])
        start = legal[0] % by
        params: dict[str, Any] = {"operation": "round", "by": by} | ({"start": start} if start else {})
        insert = Insert("calculate", "number", "scalar", params, place)
        if trying.mends(partial(_with, insert=insert, library=trying.library)):
            made = start + math.floor((value - start) / by + 0.5) * by
            return Mend(f"Insert Calculate to round it to {made}", (), insert)
    return None


def _trimmed(flat: Flat, node: str, trying: Trying, into: Port | None) -> Mend | None:
    """A Trim where a clip comes in that is a little too long."""
    for name, source in flat.document.incoming[node].items():
        spec = trying.report.specs.get(source.node, {}).get(source.name)
        place = _place(trying.whole, flat, Port(node, name), into)
        if not (place and isinstance(spec, ClipSpec) and spec.frames > 1):
            continue
        for frames in range(spec.frames - 1, max(0, spec.frames - REACH), -1):
            insert = Insert("trim", "clip", "clip", {"frames": frames}, place)
            if trying.mends(partial(_with, insert=insert, library=trying.library)):
                return Mend(f"Insert Trim to {_counted(frames)}", (), insert)
    return None


def _settings(flat: Flat, node: str, trying: Trying, library: Library) -> Iterator[Setting]:
    """The sizes that are set on the way to a node, nearest first; and of itself, whatever is wrong."""
    wrong = {problem.port for problem in trying.errors if problem.node == node}
    seen, way = set(), [node]
    for at in way:  # which grows meanwhile
        incoming = flat.document.incoming.get(at, {})
        way += dict.fromkeys(port.node for port in incoming.values() if port.node not in way)
        declared = library.get(flat.document.nodes[at]["type"]) if at in flat.document.nodes else None
        for name, widget in declared.widgets.items() if declared else ():
            if widget.type != "int" or not (name in SIZES or (at == node and name in wrong)):
                continue
            holder, held = at, name
            if name in incoming:
                holder, held = incoming[name].node, "value"
                if (
                    flat.document.nodes.get(holder, {}).get("type") not in PLAIN
                    or held in flat.document.incoming[holder]
                ):
                    continue
            source = library[flat.document.nodes[holder]["type"]].widgets[held]
            value = flat.document.params(holder).get(held, source.default)
            bounds = widget.meta if isinstance(widget.meta, Range) else Range(-math.inf, math.inf)
            # Nothing is a length of its own: all frames, or as large as it is.
            all_of_it = value == 0 and bounds.lo == 0
            record = flat.origins[holder]
            if _is_number(value) and not all_of_it and (record, held) not in seen:
                seen.add((record, held))
                yield Setting(record, held, name, float(value), bounds)


def _nearest(value: float, bounds: Range) -> list[int]:
    """The whole numbers within the bounds, nearest first, the lower of two as near."""
    middle = min(max(value, bounds.lo), bounds.hi)
    there = range(math.floor(middle) - REACH, math.ceil(middle) + REACH + 1)
    return sorted(
        (number for number in there if bounds.lo <= number <= bounds.hi and number != value),
        key=lambda number: (abs(number - value), number),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _errors(report: Report) -> frozenset[Problem]:
    return frozenset(problem for problem in report.problems if problem.level == "error")


def _kinds(errors: Iterable[Problem]) -> set[tuple[str, str]]:
    """What the errors are of, whatever numbers they name."""
    return {(problem.node, re.sub(r"\d+", "#", problem.sentence)) for problem in errors}


def _use(values: dict[str, int]) -> str:
    """What a button says of new sizes."""
    values = dict(values)
    said = []
    if {"width", "height"} <= values.keys():
        said.append(f"{values.pop('width')} × {values.pop('height')}")
    if "frames" in values:
        said.append(_counted(values.pop("frames")))
    said += [f"a {name.replace('_', ' ')} of {value}" for name, value in values.items()]
    return f"Use {' and '.join(said)}"


def _counted(frames: int) -> str:
    return f"{frames} frame{'' if frames == 1 else 's'}"


def _place(document: Document, flat: Flat, port: Port, into: Port | None) -> Port | None:
    """Where a node can be put before an input: in its own wire, or that which was refused."""
    own = Port(flat.origins[port.node], port.name)
    return own if wire_id(own) in document.records else into


def _changed(document: Document, change: Change) -> Document:
    return with_param(document, *change)


def _with(document: Document, insert: Insert, library: Library) -> Document:
    """Put a node before `insert.into`; one without an input takes the place of what came in."""
    group, colon, _ = insert.into.node.rpartition(":")
    free = next(
        name for number in range(10**6) if f"node:{(name := f'{group}{colon}mend_{number}')}" not in document.records
    )
    record = {"type": insert.type, "version": library[insert.type].version, "params": insert.params}
    key = wire_id(insert.into)
    old: Any = document.records[key]
    added: dict[str, Any] = {f"node:{free}": record}
    if insert.input:
        added[wire_id(Port(free, insert.input))] = {"from": old["from"], "to": [free, insert.input]}
    return apply(document, RecordsDiff(added=added, updated={key: (old, {**old, "from": [free, insert.output]})}))


def _wired(document: Document, source: Port, target: Port) -> Document:
    key = wire_id(target)
    wire: Any = {"from": list(source), "to": list(target)}
    old = document.records.get(key)
    return apply(document, RecordsDiff(added={key: wire}) if old is None else RecordsDiff(updated={key: (old, wire)}))


def _leading_to(document: Document, node: str) -> Document:
    wanted = upstream(document, [node])
    gone = {f"node:{each}" for each in document.nodes.keys() - wanted}
    gone |= {wire_id(wire.target) for wire in document.wires if wire.target.node not in wanted}
    return Document({key: record for key, record in document.records.items() if key not in gone})
