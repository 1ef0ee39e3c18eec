"""Actions: which outputs a key gave, when, how long that took and how many bytes it takes."""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assets.store.blobs import Blobs
from assets.store.eviction import CREDIT
from assets.store.index import Index

COLUMNS = """
    key, node_type, seconds, device, actions.created, peak_bytes, actions.bytes, used, pinned, name, digest,
    CASE WHEN blobs.digest IS NULL THEN 'missing' WHEN data IS NULL THEN 'file' ELSE 'row' END
"""
ACTIONS = f"SELECT {COLUMNS} FROM actions JOIN outputs USING (key) LEFT JOIN blobs USING (digest)"


@dataclass(frozen=True, slots=True)
class Action:
    """One computation that was done.

    key: of the node and all that it was made from. outputs: digests by output name. seconds: that it took.
    device: torch device. created, used: when it was made, and made or wanted last, in seconds since 1970.
    peak_bytes: device memory at most, 0 if not measured. bytes: of its outputs. pinned: it is never evicted.
    """

    key: str
    node_type: str
    outputs: dict[str, str]
    seconds: float
    device: str
    created: float
    peak_bytes: int
    bytes: int
    used: float
    pinned: bool


def find(index: Index, blobs: Blobs, key: str) -> Action | None:
    """The action of a key, if all of its outputs are there."""
    rows = index.ask(f"{ACTIONS} WHERE key = ?", key)
    there = all(place == "row" or (place == "file" and blobs.has(digest)) for *_, digest, place in rows)
    return _action(rows) if rows and there else None


def every(index: Index) -> list[Action]:
    """All actions, newest first, with or without their blobs."""
    by_key: dict[str, list[Any]] = {}
    for row in index.ask(f"{ACTIONS} ORDER BY actions.created DESC, key"):
        by_key.setdefault(row[0], []).append(row)
    return [_action(rows) for rows in by_key.values()]


def record(
    db: sqlite3.Connection,
    key: str,
    node_type: str,
    outputs: Mapping[str, str],
    seconds: float,
    device: str,
    peak_bytes: int,
) -> None:
    """Write an action, inside a transaction; one of the same key gives way, but a pin stays."""
    now = time.time()
    db.execute("DELETE FROM outputs WHERE key = ?", (key,))
    db.executemany("INSERT INTO outputs VALUES (?, ?, ?)", [(key, *output) for output in outputs.items()])
    own = "digest IN (SELECT digest FROM outputs WHERE key = ?)"
    db.execute(f"UPDATE blobs SET put = 0 WHERE put > 0 AND {own}", (key,))
    (size,) = db.execute(f"SELECT coalesce(sum(bytes), 0) FROM blobs WHERE {own}", (key,)).fetchone()
    db.execute(
        "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (key) DO UPDATE SET"
        " (node_type, seconds, device, created, peak_bytes, bytes, used) = (excluded.node_type, excluded.seconds,"
        " excluded.device, excluded.created, excluded.peak_bytes, excluded.bytes, excluded.used)",
        (key, node_type, seconds, device, now, peak_bytes, size, now),
    )
    use(db, key, now)


def use(db: sqlite3.Connection, key: str, now: float) -> None:
    """Note that an action is wanted, inside a transaction."""
    db.execute(f"UPDATE actions SET used = ?, credit = {CREDIT} WHERE key = ?", (now, key))


def _action(rows: list[Any]) -> Action:
    """rows: one an output, in order of their names."""
    key, node_type, seconds, device, created, peak_bytes, size, used, pinned, *_ = rows[0]
    outputs = {name: digest for *_, name, digest, _ in rows}
    return Action(key, node_type, outputs, seconds, device, created, peak_bytes, size, used, bool(pinned))
