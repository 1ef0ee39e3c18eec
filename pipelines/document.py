"""Workflows: the document in memory, and the `*.loom.json` file that it is read from and written to.

In memory a document is a flat set of records, so that an edit is a small diff (pipelines.diff):

    node:<id>                   {"type", "version", "params", ...}
    wire:<to node>.<to input>   {"from": [node, output], "to": [node, input], ...}; so an input takes one wire
    layout:<id>                 {"x", "y", ...}
    group:<name>                {"label", "inputs", "outputs", "widgets", ...}; what is inside: see pipelines.scopes
    meta:<key>                  any JSON
    other:<key>                 what the file has at its top level that this version does not know

Loading executes nothing and drops nothing: unknown keys and unknown nodes are written back as they were. Nodes of an
older version are brought up to date (pipelines.upgrades).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from assets.whole_files import write_whole
from pipelines.nesting import NestingError, require_sound
from pipelines.schema import FORMAT, GroupFace, LayoutRecord, LoomFile, NodeRecord, WireRecord
from pipelines.scopes import by_scope, scope_of, scoped, unscoped
from pipelines.strict_json import Json, JsonError, parse
from pipelines.upgrades import upgraded

MAX_NODES = 50_000
GRAPH = ("nodes", "wires", "layout")
SECTIONS = ("format", *GRAPH, "groups", "meta")
MODELS: dict[str, type[BaseModel]] = {
    "node": NodeRecord,
    "wire": WireRecord,
    "layout": LayoutRecord,
    "group": GroupFace,
}


class DocumentError(ValueError):
    """A workflow that cannot be read; the sentence begins with the place in the file."""


class Port(NamedTuple):
    """One end of a wire: an input or an output of a node."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"{self.node}.{self.name}"


class Wire(NamedTuple):
    source: Port
    target: Port


@dataclass(frozen=True)
class Document:
    """A workflow. Never changed in place: `pipelines.diff.apply` makes the next one.

    nodes, wires and what follows from them are those of the workflow itself; those in groups are inside of `groups`.
    """

    records: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def groups(self) -> dict[str, "Group"]:
        """What nodes of type `group:<name>` stand for, by name."""
        inside = self._by_scope
        return {name: Group(self.records[f"group:{name}"], Document(inside[name])) for name in inside if name}

    @cached_property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """The node records by node id."""
        return self._kind("node")

    @cached_property
    def wires(self) -> tuple[Wire, ...]:
        return tuple(Wire(Port(*wire["from"]), Port(*wire["to"])) for wire in self._kind("wire").values())

    @cached_property
    def incoming(self) -> dict[str, dict[str, Port]]:
        """For each node the sources of its wired inputs, by input name."""
        wired: dict[str, dict[str, Port]] = {node: {} for node in self.nodes}
        for wire in self._kind("wire").values():
            node, name = wire["to"]
            wired.setdefault(node, {})[name] = Port(*wire["from"])
        return wired

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """For each node those that it takes something from, each once."""
        return {node: tuple({port.node: None for port in wired.values()}) for node, wired in self.incoming.items()}

    def params(self, node: str) -> dict[str, Json]:
        """The widgets of a node that were set, as they stand in the file."""
        params: dict[str, Json] = self.nodes[node].get("params", {})
        return params

    @cached_property
    def _by_scope(self) -> Mapping[str, Mapping[str, Json]]:
        grouped = any(key.startswith("group:") for key in self.records)
        return by_scope(self.records) if grouped else {"": self.records}

    def _kind(self, kind: str) -> dict[str, Any]:
        prefix = f"{kind}:"
        return {key[len(prefix) :]: record for key, record in self._by_scope[""].items() if key.startswith(prefix)}


class Group(NamedTuple):
    """A graph that is used as a node. face: its label, ports and widgets (pipelines.schema.GroupFace)."""

    face: dict[str, Any]
    content: Document


def load(path: Path) -> Document:
    """The workflow in a file; DocumentError names the file and the place in it."""
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path.name} is no text in UTF-8 (byte {error.start}); it needs a workflow file") from None
    except OSError as error:
        raise DocumentError(f"{path} cannot be read ({error.strerror}); check the name") from None
    try:
        return loads(text)
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error}") from None


def save(document: Document, path: Path) -> None:
    """Write a workflow; whatever happens, the file holds the old one or the new one, whole."""
    write_whole(path, dumps(document))


def loads(text: str) -> Document:
    """The workflow that `text` holds; DocumentError begins with the place in it that is wrong."""
    try:
        content = parse(text)
    except JsonError as error:
        raise DocumentError(f"this is no workflow: {error}") from None
    if not isinstance(content, dict):
        raise DocumentError(f"this is no workflow: it holds a {type(content).__name__}; it needs an object with nodes")
    _require_format(content)
    if isinstance(content.get("nodes"), dict) and len(content["nodes"]) > MAX_NODES:
        raise DocumentError(f"nodes: there are {len(content['nodes'])}; at most {MAX_NODES} are opened")
    try:
        LoomFile.model_validate(content)
    except ValidationError as error:
        raise DocumentError(_first_problem(error)) from None
    document = _from_file(content)
    require_sound_groups(document)
    return document


def dumps(document: Document) -> str:
    """The text of a workflow file."""
    groups = {name: {**group.face, **_graph(group.content)} for name, group in document.groups.items()}
    content = {
        "format": FORMAT,
        **_graph(document),
        **({"groups": groups} if groups else {}),
        "meta": document._kind("meta"),
        **document._kind("other"),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def wire_id(target: Iterable[str]) -> str:
    """The record id of the wire into an input."""
    node, name = target
    return f"wire:{node}.{name}"


def require_record(record_id: str, record: Json) -> None:
    """DocumentError unless `record` may stand under `record_id`."""
    kind, colon, name = record_id.partition(":")
    if not colon or kind not in (*MODELS, "meta", "other") or (kind == "other" and name in SECTIONS):
        known = "node:, wire:, layout:, group: or meta:"
        raise DocumentError(f"{record_id[:80]!r} is no record of a workflow; it needs {known}")
    if kind not in MODELS:
        return
    try:
        inside, called = record_id, record
        if scope := scope_of(record_id):
            inside, called = unscoped(scope, record_id, record)
        MODELS[kind].model_validate(called)
        nodes = {inside.removeprefix("node:"): called} if kind == "node" else {}
        names = [scope] if scope else [name] if kind == "group" else []
        LoomFile.model_validate({"format": FORMAT, "nodes": nodes, "groups": {name: {"nodes": {}} for name in names}})
    except ValidationError as error:
        raise DocumentError(f"{record_id}: {_first_problem(error)}") from None
    except (ValueError, LookupError, TypeError) as error:
        raise DocumentError(f"{record_id[:80]}: {error}") from None
    if kind == "wire" and wire_id(record["to"]) != record_id:
        raise DocumentError(f"{record_id}: it leads to {'.'.join(record['to'])}; its id needs to name that input")
    if kind == "group" and not record.keys().isdisjoint(GRAPH):
        raise DocumentError(
            f"{record_id}: what is inside of a group needs records of its own, node:{name}:<id> and so on"
        )


def require_sound_groups(document: Document) -> None:
    """DocumentError for a group that holds itself, by way of others too, or that unfolds into too many nodes."""

    def types(graph: Document) -> list[str]:
        return [record["type"] for record in graph.nodes.values()]

    if not document.groups:
        return
    try:
        require_sound(
            {name: types(group.content) for name, group in document.groups.items()}, types(document), MAX_NODES
        )
    except NestingError as error:
        raise DocumentError(str(error)) from None


def _from_file(content: dict[str, Json]) -> Document:
    records = _graph_records(content, "")
    for name, group in content.get("groups", {}).items():
        records[f"group:{name}"] = {key: value for key, value in group.items() if key not in GRAPH}
        inside = _graph_records(group, f"groups.{name}.")
        records |= dict(scoped(name, key, record) for key, record in inside.items())
    records |= {f"meta:{key}": record for key, record in content.get("meta", {}).items()}
    records |= {f"other:{key}": record for key, record in content.items() if key not in SECTIONS}
    return Document(upgraded(records))


def _graph_records(graph: dict[str, Json], place: str) -> dict[str, Json]:
    records: dict[str, Json] = {f"node:{name}": record for name, record in graph["nodes"].items()}
    for number, wire in enumerate(graph.get("wires", [])):
        at = f"{place}wires[{number}]"
        for end in ("from", "to"):
            if wire[end][0] not in graph["nodes"]:
                raise DocumentError(f"{at}.{end}: there is no node {wire[end][0]!r}; add it or drop the wire")
        key = wire_id(wire["to"])
        if key in records:
            raise DocumentError(f"{at}.to: {'.'.join(wire['to'])} has a wire already; an input takes one")
        records[key] = wire
    records |= {f"layout:{name}": record for name, record in graph.get("layout", {}).items()}
    return records


def _graph(document: Document) -> dict[str, Json]:
    """The sections of a file that hold nodes, wires and layout."""
    wires = list(document._kind("wire").values())
    return {"nodes": document.nodes, "wires": wires, "layout": document._kind("layout")}


def _require_format(content: dict[str, Json]) -> None:
    found = content.get("format")
    if found == FORMAT:
        return
    if isinstance(found, str) and found.startswith("patchloom/"):
        raise DocumentError(
            f"format: this workflow is written as {found[:40]!r}; this version reads {FORMAT!r}; update Patchloom"
        )
    said = "says no format" if found is None else f"says the format {str(found)[:40]!r}"
    raise DocumentError(f"format: the file {said}; a workflow of Patchloom says {FORMAT!r}")


def _first_problem(error: ValidationError) -> str:
    """The first thing that pydantic objects to, as a sentence: `nodes.prompt.version: ...`."""
    problem = error.errors(include_url=False, include_context=False)[0]
    place = ""
    for step in problem["loc"]:
        if step != "[key]":
            place += f"[{step}]" if isinstance(step, int) else f".{str(step)[:80]}"
    got = repr(problem["input"])
    shown = got if len(got) <= 60 else got[:57] + "..."
    return f"{place.lstrip('.') or 'the file'}: {problem['msg']}; it has {shown}"
