"""Actions: which outputs a key gave, when, how long that took and how many bytes it takes."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.store.blobs import Blobs
from assets.store.eviction import CREDIT
from assets.store.index import Index

COLUMNS = "key, node_type, seconds, device, created, peak_bytes, bytes, used, pinned, name, digest"
ACTIONS = f"SELECT {COLUMNS} FROM actions JOIN outputs USING (key)"
PLACE = "CASE WHEN blobs.digest IS NULL THEN 'nowhere' WHEN data IS NULL THEN 'file' ELSE 'row' END"
OUTPUTS = f"SELECT key, name, digest, {PLACE} FROM outputs LEFT JOIN blobs USING (digest)"
AT_ONCE = 500


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


def find(index: Index, blobs: Blobs, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """Digests by output name, by key, of those keys whose outputs are all there; many cost a third of one by one."""
    found: dict[str, dict[str, str]] = {}
    lost: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        for key, name, digest, place in index.ask(f"{OUTPUTS} WHERE key IN ({','.join('?' * len(some))})", *some):
            found.setdefault(key, {})[name] = digest
            if place == "nowhere" or (place == "file" and not blobs.has(digest)):
                lost.add(key)
    return {key: outputs for key, outputs in found.items() if key not in lost} if lost else found


def every(index: Index) -> list[Action]:
    """All actions, newest first, with or without their blobs."""
    by_key: dict[str, list[Any]] = {}
    for row in index.ask(f"{ACTIONS} ORDER BY created DESC, key"):
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
    use(db, {key: now})


def use(db: sqlite3.Connection, uses: Mapping[str, float]) -> None:
    """Note when actions were wanted, by key, inside a transaction."""
    rows = [(now, key) for key, now in uses.items()]
    db.executemany(f"UPDATE actions SET used = ?, credit = {CREDIT} WHERE key = ?", rows)


def _action(rows: list[Any]) -> Action:
    """rows: one an output, in order of their names."""
    key, node_type, seconds, device, created, peak_bytes, size, used, pinned, *_ = rows[0]
    outputs = {name: digest for *_, name, digest in rows}
    return Action(key, node_type, outputs, seconds, device, created, peak_bytes, size, used, bool(pinned))
