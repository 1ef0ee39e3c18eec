"""The resize that a refused wire asks for, where sizes alone stand in its way."""

from collections.abc import Iterator
from typing import NamedTuple

from assets.files import Files
from assets.values import ClipSpec, LatentSpec, MaskSpec, PatchesSpec, Spec
from pipelines.check import Library, Report, check
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, Port, wire_id
from pipelines.plan import upstream

RESIZE = "resize"
LARGEST = 8192
UNITS = (8, 16, 32, 64)
# Of the clips that lead up to a wire, the nearest; further off, the artist knows better.
PLACES = 4


class Resize(NamedTuple):
    """Pixels to scale to, and the input before which it is done: the refused wire's own, or one that leads up to it."""

    into: Port
    width: int
    height: int


def resizing(document: Document, source: Port, target: Port, library: Library, files: Files) -> Resize | None:
    """The resize that lets a refused wire of the workflow itself be, found by trying; None where none does."""
    if source.node not in document.nodes or target.node not in document.nodes or RESIZE not in library:
        return None
    document = _leading_to(document, source, target)
    before = check(document, library, files)
    spec = before.specs.get(source.node, {}).get(source.name)
    others = [
        before.specs.get(port.node, {}).get(port.name)
        for name, port in document.incoming[target.node].items()
        if name != target.name
    ]
    wired = apply(document, _wire(source, target))
    for giver, taker in _clips_before(wired, source, target, before)[:PLACES]:
        clip = before.specs[giver.node][giver.name]
        assert isinstance(clip, ClipSpec)
        sizes = (size for size in _sizes(clip, spec, others) if min(size) >= 1 and max(size) <= LARGEST)
        for height, width in dict.fromkeys(sizes):
            tried = _with_resize(wired, giver, taker, width, height, library)
            if _works(tried, target, before, library, files):
                return Resize(taker, width, height)
    return None


def _clips_before(document: Document, source: Port, target: Port, report: Report) -> list[tuple[Port, Port]]:
    """The wires that carry clips, of those that lead to `target` by way of `source`; the nearest first."""
    wires = [(source, target)]
    for giver, _ in wires:  # which grows meanwhile
        for name, before in document.incoming.get(giver.node, {}).items():
            if (before, Port(giver.node, name)) not in wires:
                wires.append((before, Port(giver.node, name)))
    return [wire for wire in wires if isinstance(report.specs.get(wire[0].node, {}).get(wire[0].name), ClipSpec)]


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
    return target.node in made.specs and {*made.errors.values()} <= {*before.errors.values()}


def _with_resize(document: Document, giver: Port, taker: Port, width: int, height: int, library: Library) -> Document:
    node = next(name for number in range(len(document.nodes) + 1) if (name := f"resize_{number}") not in document.nodes)
    declared = library[RESIZE]
    record = {"type": RESIZE, "version": declared.version, "params": {"width": width, "height": height}}
    (given,), (made,) = declared.inputs, declared.outputs
    document = apply(document, RecordsDiff(added={f"node:{node}": record}))
    return apply(apply(document, _wire(giver, Port(node, given))), _wire(Port(node, made), taker))


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
