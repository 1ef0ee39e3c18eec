"""Edits as data: which records were added, updated and removed (after tldraw's RecordsDiff).

A diff can be applied, reversed and squashed without knowing what it means, so one log of diffs serves undo, the other
tabs and the version history.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipelines.document import Document, DocumentError, require_record
from pipelines.strict_json import Json, JsonError, require_sound, same


@dataclass(frozen=True)
class RecordsDiff:
    """added and removed: record by id; updated: [from, to] by id."""

    added: dict[str, Json] = field(default_factory=dict)
    updated: dict[str, tuple[Json, Json]] = field(default_factory=dict)
    removed: dict[str, Json] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.removed)

    def to_json(self) -> dict[str, Any]:
        updated = {key: list(change) for key, change in self.updated.items()}
        return {"added": self.added, "updated": updated, "removed": self.removed}

    @classmethod
    def from_json(cls, data: Json) -> "RecordsDiff":
        """A diff as a browser sends it; DocumentError if it, or a record in it, is none."""
        try:
            require_sound(data)
        except JsonError as error:
            raise DocumentError(f"this edit cannot be kept: {error}") from None
        data = data if isinstance(data, dict) else {"added": None}
        added, updated, removed = (data.get(name, {}) for name in ("added", "updated", "removed"))
        if not (isinstance(added, dict) and isinstance(updated, dict) and isinstance(removed, dict)):
            raise DocumentError("an edit needs the objects 'added', 'updated' and 'removed'; reload the page")
        for key, change in updated.items():
            if not (isinstance(change, list | tuple) and len(change) == 2):
                raise DocumentError(f"updated {key[:80]!r} holds no pair [from, to]; reload the page")
        for key, record in (*added.items(), *((key, to) for key, (_, to) in updated.items())):
            require_record(key, record)
        return cls(added, {key: (old, new) for key, (old, new) in updated.items()}, removed)


def apply(document: Document, diff: RecordsDiff) -> Document:
    """The document after the edit. Where it does not fit (another tab was faster), the last writer wins."""
    records = {key: record for key, record in document.records.items() if key not in diff.removed}
    records |= diff.added
    records |= {key: new for key, (_, new) in diff.updated.items()}
    return Document(records)


def with_param(document: Document, node: str, param: str, value: Json) -> Document:
    """The document with one widget set. node: its id; of one inside of a group `<group>:<id>`."""
    record = document.records[f"node:{node}"]
    changed = {**record, "params": {**record.get("params", {}), param: value}}
    return apply(document, RecordsDiff(updated={f"node:{node}": (record, changed)}))


def reverse(diff: RecordsDiff) -> RecordsDiff:
    """The edit that takes `diff` back."""
    return RecordsDiff(diff.removed, {key: (new, old) for key, (old, new) in diff.updated.items()}, diff.added)


def squash(diffs: Iterable[RecordsDiff]) -> RecordsDiff:
    """One edit for several, one after the other; what cancels out is gone."""
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    for diff in diffs:
        for key, new in diff.added.items():
            before.setdefault(key, MISSING)
            after[key] = new
        for key, (old, new) in diff.updated.items():
            before.setdefault(key, old)
            after[key] = new
        for key, old in diff.removed.items():
            before.setdefault(key, old)
            after[key] = MISSING
    return _changes(before, after)


def between(a: Document, b: Document) -> RecordsDiff:
    """The edit that makes `b` of `a`."""
    keys = [*a.records, *(key for key in b.records if key not in a.records)]
    return _changes(
        {key: a.records.get(key, MISSING) for key in keys}, {key: b.records.get(key, MISSING) for key in keys}
    )


MISSING: Any = object()


def _changes(before: dict[str, Json], after: dict[str, Json]) -> RecordsDiff:
    diff = RecordsDiff()
    for key, old in before.items():
        new = after[key]
        if old is MISSING and new is not MISSING:
            diff.added[key] = new
        elif new is MISSING and old is not MISSING:
            diff.removed[key] = old
        elif old is not MISSING and not same(old, new):
            diff.updated[key] = (old, new)
    return diff
