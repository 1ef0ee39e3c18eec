"""Nodes that are set aside without being taken out, and groups: the document that a run sees instead.

`"mode": "bypass"` in a node's record passes through: whoever takes an output takes what is wired to the first input of
that type. `"mode": "mute"` takes the node out, and with it those that cannot do without it. An output that a bypassed
node has nothing for counts as muted.
"""

from collections.abc import Mapping

from nodes.api import Node
from pipelines.document import Document, Port
from pipelines.groups import flattened, with_faces
from pipelines.strict_json import Json

Library = Mapping[str, Node]


def as_run(document: Document, library: Library) -> Document:
    """The document as it runs: groups unfolded (pipelines.groups), nodes that are set aside left out."""
    return without_set_aside(flattened(document), with_faces(library, document))


def without_set_aside(document: Document, library: Library) -> Document:
    """The document as it runs, in O(nodes + wires) but for chains of bypassed nodes; the same one if there are none."""
    aside = {node for node, record in document.nodes.items() if record.get("mode")}
    if not aside:
        return document
    sources = {wire.target: passed_through(document, wire.source, library) for wire in document.wires}
    gone = aside | _starved(document, library, sources, aside)
    records: dict[str, Json] = {}
    for key, record in document.records.items():
        kind, _, name = key.partition(":")
        if kind == "wire" and isinstance(record, dict):
            target = Port(*record["to"])
            source = sources[target]
            if source is not None and not {source.node, target.node} & gone:
                records[key] = {**record, "from": list(source)}
        elif kind != "node" or name not in gone:
            records[key] = record
    return Document(records)


def passed_through(document: Document, source: Port, library: Library) -> Port | None:
    """Where an output's value comes from: itself, or from before bypassed nodes; None if from nowhere."""
    seen: set[str] = set()
    while mode := document.nodes.get(source.node, {}).get("mode"):
        declared = library.get(document.nodes[source.node]["type"])
        output = declared.outputs.get(source.name) if declared else None
        if mode != "bypass" or declared is None or output is None or source.node in seen:
            return None
        seen.add(source.node)
        wired = document.incoming[source.node]
        fitting = [name for name, port in declared.inputs.items() if port.type == output.type and name in wired]
        if not fitting:
            return None
        source = wired[fitting[0]]
    return source


def _starved(document: Document, library: Library, sources: Mapping[Port, Port | None], aside: set[str]) -> set[str]:
    """The nodes that need, directly or not, a value that is muted."""
    takers: dict[str, list[Port]] = {}
    for target, source in sources.items():
        if source is not None:
            takers.setdefault(source.node, []).append(target)
    waiting = [target for target, source in sources.items() if source is None]
    starved: set[str] = set()
    while waiting:
        node, name = waiting.pop()
        if node in starved or node in aside or _can_do_without(document, library, node, name):
            continue
        starved.add(node)
        waiting.extend(takers.get(node, []))
    return starved


def _can_do_without(document: Document, library: Library, node: str, name: str) -> bool:
    """An optional input and a widget are as though they were not wired."""
    declared = library.get(document.nodes[node]["type"]) if node in document.nodes else None
    return declared is not None and (
        name in declared.widgets or (name in declared.inputs and declared.inputs[name].optional)
    )
