"""What an edit did, in a line of words: "Sampler added, steps of DiT changed, 2 wires removed"."""

from collections.abc import Collection, Mapping
from typing import Any

from app.editor.catalogue import words
from nodes.api import Node
from pipelines.diff import RecordsDiff, between
from pipelines.document import Document
from pipelines.scopes import scope_of


def in_words(before: Document, after: Document, library: Mapping[str, Node]) -> str:
    """The changes that lead from one document to the other; "" if there are none."""
    diff = between(before, after)
    changed = {**diff.removed, **{key: new for key, (_, new) in diff.updated.items()}, **diff.added}
    top = {key: record for key, record in changed.items() if not scope_of(key)}
    nodes = [key for key in top if key.startswith("node:")]
    comings = {key.removeprefix("node:") for key in nodes if key not in diff.updated}
    wires = [key for key, wire in top.items() if key.startswith("wire:") and not _ends(wire) & comings]
    notes = [key for key, layout in top.items() if key.startswith("layout:") and _is_written(diff, key, layout)]
    groups = {scope_of(key) for key in changed if scope_of(key)} | {key for key in top if key.startswith("group:")}

    def title(key: str) -> str:
        return _title(key.partition(":")[2], (after, before), library)

    def count(keys: Collection[str], noun: str, done: str, one: str = "") -> str:
        return f"{one or f'1 {noun}' if len(keys) == 1 else f'{len(keys)} {noun}s'} {done}" if keys else ""

    def each_way(keys: Collection[str], noun: str) -> list[str]:
        added, removed = [key for key in keys if key in diff.added], [key for key in keys if key in diff.removed]
        named = noun == "node"
        return [
            count(added, noun, "added", title(added[0]) if added and named else ""),
            count(removed, noun, "removed", title(removed[0]) if removed and named else ""),
        ]

    kept = [key for key in nodes if key in diff.updated]
    one = _which_setting(*diff.updated[kept[0]], title(kept[0])) if len(kept) == 1 else ""
    said = [
        *each_way(nodes, "node"),
        count(kept, "node", "changed", one),
        *each_way(wires, "wire"),
        count([key for key in wires if key in diff.updated], "wire", "changed"),
        count({key.removeprefix("group:") for key in groups}, "group", "changed"),
        count(notes, "note or frame", "changed", "a note or frame").replace("note or frames", "notes or frames"),
    ]
    line = ", ".join(filter(None, said))
    if not line and changed:
        line = "nodes arranged" if any(key.startswith("layout:") for key in top) else "description changed"
    return line[:1].upper() + line[1:]


def _title(node: str, documents: Collection[Document], library: Mapping[str, Node]) -> str:
    for document in documents:
        layout, record = document.records.get(f"layout:{node}"), document.nodes.get(node)
        if isinstance(layout, dict) and layout.get("title"):
            return str(layout["title"])
        if record and record["type"] in library:
            return library[record["type"]].label
    return node


def _which_setting(old: Any, new: Any, title: str) -> str:
    """`steps of Sampler` if that is all that changed of a node, else `Sampler`."""
    before, after = old.get("params", {}), new.get("params", {})
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    only = {key for key in {**old, **new} if old.get(key) != new.get(key)} == {"params"}
    return f"{words(names[0]).lower()} of {title}" if only and len(names) == 1 else title


def _ends(wire: Any) -> set[str]:
    return {wire["from"][0], wire["to"][0]}


def _is_written(diff: RecordsDiff, key: str, layout: Any) -> bool:
    """Whether a note or a frame came, went, or says something else than before."""
    if not isinstance(layout, dict) or not layout.get("kind"):
        return False
    old, new = diff.updated.get(key, ({}, layout))
    return any(old.get(part) != new.get(part) for part in ("kind", "text", "title", "tint"))
