"""Groups unfolded: the document that a run sees, in which a group node is all the nodes that it stands for.

A node "a" inside of what the node "look" stands for is called "look/a" there. What is computed and under which keys is
as if there were no groups, so grouping what has run makes nothing run again.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nodes.api import Node, Output, Widget
from nodes.api import Port as Input
from pipelines.arguments import WidgetError, coerce
from pipelines.document import Document, Group, Port, require_sound_groups, wire_id
from pipelines.nesting import GROUP, group_of, inner_first
from pipelines.strict_json import Json

Library = Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Flat:
    """A document without groups.

    uses: the nodes that stood for a group, by what they were called, and that group. origins: for each node that is
    there, and each that stood for a group, whose record it comes from (`<group>:<id>` inside of a group).
    """

    document: Document
    uses: Mapping[str, Group]
    origins: Mapping[str, str]

    def source(self, port: Port) -> Port:
        """The output behind an output of a group, however deep; a port that leads nowhere is itself."""
        while port.node in self.uses:
            inner = self.uses[port.node].face.get("outputs", {}).get(port.name)
            if inner is None:
                return port
            port = Port(f"{port.node}/{inner[0]}", inner[1])
        return port

    def targets(self, port: Port) -> list[Port]:
        """The inputs and widgets behind an input or a widget of a group, each once."""
        seen, found = {port}, [port]
        for port in found:  # which grows meanwhile
            for node, name in _taken_by(self.uses[port.node], port.name) if port.node in self.uses else ():
                inner = Port(f"{port.node}/{node}", name)
                if inner not in seen:
                    seen.add(inner)
                    found.append(inner)
        return [port for port in found if port.node not in self.uses]

    def called(self, record: str) -> list[str]:
        """What the nodes that come from a record, or are in the group that it uses, are called."""
        return [node for path, origin in self.origins.items() if origin == record for node in self.members(path)]

    def records_behind(self, nodes: Collection[str]) -> set[str]:
        """The records that those nodes and the groups around them come from."""
        return {self.origins[path] for node in nodes for path in (node, *around(node))}

    def members(self, node: str) -> list[str]:
        """The nodes that a node stands for: itself, unless it stood for a group."""
        if node not in self.uses:
            return [node] if node in self.document.nodes else []
        return [each for each in self.document.nodes if each.startswith(f"{node}/")]


def flatten(document: Document) -> Flat:
    """The document with its groups unfolded, in O(nodes + wires); the same one if it has none.

    A group that is set aside, or that the document does not have, stays the node that it is. DocumentError for a group
    that holds itself.
    """
    if not document.groups:
        return Flat(document, {}, {node: node for node in document.nodes})
    require_sound_groups(document)
    records: dict[str, Json] = {key: record for key, record in document.records.items() if key.startswith("meta:")}
    uses: dict[str, Group] = {}
    origins: dict[str, str] = {}
    graphs = []
    waiting: list[tuple[str, str, Document, dict[str, dict[str, Json]]]] = [("", "", document, {})]
    while waiting:
        prefix, scope, graph, given = waiting.pop()
        graphs.append((prefix, graph))
        for node, record in graph.nodes.items():
            path = f"{prefix}{node}"
            origins[path] = f"{scope}{node}"
            params = {**record.get("params", {}), **given.get(node, {})}
            if group := _group(record, document):
                uses[path] = group
                waiting.append((f"{path}/", f"{group_of(record['type'])}:", group.content, _given(group, params)))
            else:
                records[f"node:{path}"] = {**record, "params": params}
            if f"layout:{node}" in graph.records:
                records[f"layout:{path}"] = graph.records[f"layout:{node}"]
    flat = Flat(Document(records), uses, origins)
    for prefix, graph in graphs:  # from the outside in: a wire from outside has the last word on an input
        for wire in graph.wires:
            source = flat.source(Port(f"{prefix}{wire.source.node}", wire.source.name))
            for target in flat.targets(Port(f"{prefix}{wire.target.node}", wire.target.name)):
                records.setdefault(wire_id(target), {"from": list(source), "to": list(target)})
    return flat


def around(node: str) -> list[str]:
    """What the groups that a node is inside of are used by, from the outermost: "a/b/c" is in "a" and "a/b"."""
    steps = node.split("/")
    return ["/".join(steps[:count]) for count in range(1, len(steps))]


def flattened(document: Document) -> Document:
    """The document of `flatten`."""
    return flatten(document).document


def with_faces(library: Library, document: Document) -> Library:
    """The library with each group of the document as a node of its own, by the type `group:<name>`."""
    if not document.groups:
        return library
    known = dict(library)
    contents = {name: [record["type"] for record in inside] for name, inside in _records(document)}
    for name in inner_first(contents):
        known[f"{GROUP}{name}"] = _face(name, document.groups[name], known)
    return known


def records_of(document: Document, nodes: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
    """The records of those nodes (None: all) and of all in their groups, each once, by id (`<group>:<id>` inside)."""
    found = {node: document.nodes[node] for node in (document.nodes if nodes is None else nodes)}
    opened: set[str] = set()
    waiting = list(found.values())
    while waiting:
        name = group_of(waiting.pop()["type"])
        if name in document.groups and name not in opened:
            opened.add(name)
            inside = document.groups[name].content.nodes
            found |= {f"{name}:{node}": record for node, record in inside.items()}
            waiting.extend(inside.values())
    return found


def _records(document: Document) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    return ((name, list(group.content.nodes.values())) for name, group in document.groups.items())


def _group(record: Mapping[str, Any], document: Document) -> Group | None:
    name = group_of(record["type"])
    return document.groups.get(name) if name and not record.get("mode") else None


def _given(group: Group, params: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """What the widgets that a group shows set inside, by node."""
    given: dict[str, dict[str, Json]] = {}
    for name, (node, param) in group.face.get("widgets", {}).items():
        if name in params:
            given.setdefault(node, {})[param] = params[name]
    return given


def _taken_by(group: Group, name: str) -> list[tuple[str, str]]:
    widget = group.face.get("widgets", {}).get(name)
    return [*group.face.get("inputs", {}).get(name, ()), *([widget] if widget else ())]


def _face(name: str, group: Group, known: Library) -> Node:
    """The declaration of a group, of what its ports lead to; a port that leads nowhere is left out."""
    nodes = group.content.nodes

    def declared(node: str) -> Node | None:
        return known.get(nodes[node]["type"]) if node in nodes else None

    inputs: dict[str, Input] = {}
    for port, ends in group.face.get("inputs", {}).items():
        found = [of.inputs[inner] for node, inner in ends if (of := declared(node)) and inner in of.inputs]
        if found:
            inputs[port] = replace(found[0], name=port, optional=all(each.optional for each in found))
    outputs = {
        port: Output(port, of.outputs[inner].type)
        for port, (node, inner) in group.face.get("outputs", {}).items()
        if (of := declared(node)) and inner in of.outputs
    }
    widgets = {
        port: _widget(port, of.widgets[inner], group.content.params(node))
        for port, (node, inner) in group.face.get("widgets", {}).items()
        if (of := declared(node)) and inner in of.widgets
    }
    label = group.face.get("label") or name
    return Node(f"{GROUP}{name}", 1, "groups", label, "", inputs, widgets, outputs, _opened, _opened, None, ())


def _widget(name: str, widget: Widget, params: Mapping[str, Json]) -> Widget:
    """A widget inside as the group shows it: its default is what it is set to inside."""
    try:
        default = coerce(widget, params[widget.name]) if widget.name in params else widget.default
    except WidgetError:
        default = widget.default
    return replace(widget, name=name, default=default)


def _opened(**_: object) -> None:
    raise AssertionError("a group is unfolded before it runs")
