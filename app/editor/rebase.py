"""An edit as it reaches the server may be late: another page changed the same records since it was made.

Last writer wins, field by field: of a node's widgets only those that the edit itself changed are taken from it. An
edit of a record that is gone brings nothing back, a wire needs both of its nodes, and what is inside of a group needs
the group.
"""

from typing import Any

from pipelines.diff import RecordsDiff
from pipelines.document import Document
from pipelines.scopes import scope_of


def rebase(diff: RecordsDiff, document: Document) -> RecordsDiff:
    """The diff that does to `document` what `diff` meant; exact, so that its reverse undoes it."""
    now = document.records
    removed = {key: now[key] for key in diff.removed if key in now}
    added: dict[str, Any] = {}
    updated: dict[str, tuple[Any, Any]] = {}
    for key, record in diff.added.items():
        _put(key, record, now, added, updated)
    for key, (old, new) in diff.updated.items():
        if key in now:
            _put(key, merged(old, new, now[key]), now, added, updated)
        elif not key.startswith(("node:", "layout:")):
            added[key] = new
    groups = {"group:", *(now.keys() - removed.keys()), *added}
    for key in [key for key in (*added, *updated) if f"group:{scope_of(key)}" not in groups]:
        added.pop(key, None)
        updated.pop(key, None)
    removed |= {key: record for key, record in now.items() if f"group:{scope_of(key)}" not in groups}
    nodes = ({key for key in now if key.startswith("node:")} - removed.keys()) | added.keys()
    ends = {
        key: record for key, record in (added | {k: to for k, (_, to) in updated.items()}).items() if "wire:" in key
    }
    for key, wire in ends.items():
        if not {f"node:{wire['from'][0]}", f"node:{wire['to'][0]}"} <= nodes:
            added.pop(key, None)
            updated.pop(key, None)
    for key in list(now):
        if key.startswith("wire:") and key not in removed:
            wire = updated[key][1] if key in updated else now[key]
            if not {f"node:{wire['from'][0]}", f"node:{wire['to'][0]}"} <= nodes:
                updated.pop(key, None)
                removed[key] = now[key]
    return RecordsDiff(added, updated, removed)


def merged(old: Any, new: Any, now: Any) -> Any:
    """`now` with the changes that lead from `old` to `new`, object by object."""
    if old == now or not (isinstance(old, dict) and isinstance(new, dict) and isinstance(now, dict)):
        return new
    result = dict(now)
    for key in old.keys() | new.keys():
        if key not in new:
            result.pop(key, None)
        elif key not in old or old[key] != new[key]:
            result[key] = merged(old.get(key), new[key], now.get(key))
    return result


def _put(key: str, record: Any, now: Any, added: dict[str, Any], updated: dict[str, tuple[Any, Any]]) -> None:
    if key not in now:
        added[key] = record
    elif now[key] != record:
        updated[key] = (now[key], record)
