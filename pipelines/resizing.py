"""The resize that a refused wire asks for, where sizes alone stand in its way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from assets.files import Files
from assets.values import ClipSpec, LatentSpec, MaskSpec, PatchesSpec, Spec
from pipelines.check import Library, Report, check
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, Port, wire_id
from pipelines.groups import Flat, flatten
from pipelines.plan import upstream

RESIZE = "resize"
LARGEST = 8192
UNITS = (8, 16, 32, 64)
# Of the clips that lead up to a wire, the nearest; further off, the artist knows better.
PLACES = 4


class Resize(NamedTuple):
    """Pixels to scale to, and the input before which it is done, by its record's name: the refused wire's own, one that
    leads up to it, or one that leads to what else goes in."""

    into: Port
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wire is: in the workflow itself, or in a use of a group.

    prefix, group: before what a node is called in a run, and in its record. graph: the nodes there.
    """

    prefix: str
    group: str
    graph: Document

    def record(self, port: Port) -> Port:
        return Port(f"{self.group}{port.node}", port.name)

    def run(self, port: Port) -> Port:
        return Port(f"{self.prefix}{port.node}", port.name)

    def spec(self, port: Port, flat: Flat, report: Report) -> Spec | None:
        source = flat.source(self.run(port))
        return report.specs.get(source.node, {}).get(source.name)


def resizing(document: Document, source: Port, target: Port, library: Library, files: Files) -> Resize | None:
    """The resize that lets a refused wire be, found by trying; None where none does. The ends are as in a run."""
    flat = flatten(document)
    place = _place(document, flat, source, target)
    if place is None or RESIZE not in library:
        return None
    source, target = (Port(port.node.removeprefix(place.prefix), port.name) for port in (source, target))
    if not place.prefix:
        document = _leading_to(document, source, target)
        place = replace(place, graph=document)
    before = check(document, library, files)
    wired = apply(document, _wire(place.record(source), place.record(target)))
    inputs = {**place.graph.incoming[target.node], target.name: source}
    specs = {name: place.spec(port, flat, before) for name, port in inputs.items()}
    # What comes in anew is brought to the size of what is there; where nothing of that can be scaled, the other way.
    for name in sorted(inputs, key=lambda name: name != target.name):
        others = [spec for other, spec in specs.items() if other != name]
        others += _beside(flat, place.run(Port(target.node, name)), before)
        wires = _leading_up(place.graph, inputs[name], Port(target.node, name))
        clips = ((*ends, clip) for ends in wires if isinstance(clip := place.spec(ends[0], flat, before), ClipSpec))
        for giver, taker, clip in islice(clips, PLACES):
            sizes = (size for size in _sizes(clip, specs[name], others) if min(size) >= 1 and max(size) <= LARGEST)
            for height, width in dict.fromkeys(sizes):
                found = Resize(place.record(taker), width, height)
                if _works(_with_resize(wired, place, giver, found, library), place.run(target), before, library, files):
                    return found
    return None


def _place(document: Document, flat: Flat, source: Port, target: Port) -> Place | None:
    """None where the ends are not both there, side by side."""
    prefix, group = (source.node.rpartition("/")[0] + "/").removeprefix("/"), ""
    if prefix:
        used = flat.origins.get(source.node, "").partition(":")[0]
        group = f"{used}:" if used in document.groups else ""
    graph = document.groups[group[:-1]].content if group else document
    ends = [port.node.removeprefix(prefix) for port in (source, target) if port.node.startswith(prefix)]
    there = len(ends) == 2 and all(end in graph.nodes for end in ends) and bool(prefix) == bool(group)
    return Place(prefix, group, graph) if there else None


def _leading_up(graph: Document, source: Port, target: Port) -> list[tuple[Port, Port]]:
    """The wires that lead to `target` by way of `source`; the nearest first."""
    wires, seen = [(source, target)], {target}
    for giver, _ in wires:  # which grows meanwhile
        for name, before in graph.incoming.get(giver.node, {}).items():
            if (taker := Port(giver.node, name)) not in seen:
                seen.add(taker)
                wires.append((before, taker))
    return wires


def _beside(flat: Flat, target: Port, report: Report) -> list[Spec | None]:
    """What goes into the nodes of a group beside that which comes to them by its port."""
    return [
        report.specs.get(source.node, {}).get(source.name)
        for inner in flat.targets(target)
        for name, source in flat.document.incoming[inner.node].items()
        if inner != target and name != inner.name
    ]


def _sizes(clip: ClipSpec, spec: Spec | None, others: list[Spec | None]) -> Iterator[tuple[int, int]]:
    """(height, width) to try: as large as what else goes in, in the proportion of what they became; else multiples."""
    own = _extent(spec)
    for other in map(_extent, others):
        if own and other and own[0] == other[0]:
            yield round(clip.height * other[1] / own[1]), round(clip.width * other[2] / own[2])
    for unit in UNITS:
        yield tuple(max(unit, round(side / unit) * unit) for side in (clip.height, clip.width))  # type: ignore[misc]


def _extent(spec: Spec | None) -> tuple[str, int, int] | None:
    """What the sizes are counted in, height, width."""
    match spec:
        case ClipSpec() | MaskSpec():
            return "pixels", spec.height, spec.width
        case LatentSpec():
            return "cells", spec.height, spec.width
        case PatchesSpec(grids=((_, height, width),)):
            return "patches", height, width
    return None


def _works(document: Document, target: Port, before: Report, library: Library, files: Files) -> bool:
    """Does the check find no more to say, and does it know what comes of the wire?"""
    made = check(document, library, files)
    known = all(port.node in made.specs for port in flatten(document).targets(target))
    return known and {*made.errors.values()} <= {*before.errors.values()}


def _with_resize(document: Document, place: Place, giver: Port, found: Resize, library: Library) -> Document:
    nodes = place.graph.nodes
    free = next(name for number in range(len(nodes) + 1) if (name := f"resize_{number}") not in nodes)
    declared = library[RESIZE]
    params = {"width": found.width, "height": found.height}
    (given,), (made,) = declared.inputs, declared.outputs
    node, giver = f"{place.group}{free}", place.record(giver)
    record = {"type": RESIZE, "version": declared.version, "params": params}
    document = apply(document, RecordsDiff(added={f"node:{node}": record}))
    return apply(apply(document, _wire(giver, Port(node, given))), _wire(Port(node, made), found.into))


def _wire(source: Port, target: Port) -> RecordsDiff:
    return RecordsDiff(added={wire_id(target): {"from": list(source), "to": list(target)}})


def _leading_to(document: Document, source: Port, target: Port) -> Document:
    """The document without the nodes that lead to neither end: a large one is tried out many times."""
    wanted = upstream(document, [source.node, target.node])
    others = document.nodes.keys() - wanted
    gone = {f"node:{node}" for node in others} | {
        wire_id(wire.target) for wire in document.wires if wire.target.node in others
    }
    return Document({key: record for key, record in document.records.items() if key not in gone})
