"""What goes when the store is over its budget: that which is cheapest to compute again for the bytes that it takes.

GreedyDual-Size (Cao, Irani, "Cost-Aware WWW Proxy Caching Algorithms", 1997): an action's credit is its seconds a byte
plus the floor, which is the credit of what was evicted last. So what is not used for long is overtaken by what is.
"""

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from assets.store.blobs import ABANDONED_SECONDS, Blobs

CREDIT = "(SELECT credit FROM floor) + seconds / max(bytes, 1)"


@dataclass(frozen=True, slots=True)
class Freed:
    """entries: results that were forgotten. bytes: of the blobs that went."""

    entries: int = 0
    bytes: int = 0

    def __add__(self, other: "Freed") -> "Freed":
        return Freed(self.entries + other.entries, self.bytes + other.bytes)


def evict(db: sqlite3.Connection, blobs: Blobs, budget: int, in_use_since: float) -> Freed:
    """Bring the store within `budget` bytes, inside a transaction; pinned entries and those in use stay.

    in_use_since: what was made or used later than that belongs to a run that is going on.
    """
    freed = Freed()
    total: int = db.execute("SELECT coalesce(sum(bytes), 0) FROM blobs").fetchone()[0]
    if total <= budget:
        return freed
    candidates = "SELECT key, credit FROM actions WHERE NOT pinned AND used < ? ORDER BY credit, used"
    for key, credit in db.execute(candidates, (in_use_since,)).fetchall():
        freed += forget(db, blobs, key)
        db.execute("UPDATE floor SET credit = ?", (credit,))
        if total - freed.bytes <= budget:
            break
    return freed


def forget(db: sqlite3.Connection, blobs: Blobs, key: str) -> Freed:
    """Delete an action, and those of its blobs that no other has and that nobody is about to record."""
    digests = db.execute("SELECT digest FROM outputs WHERE key = ?", (key,)).fetchall()
    db.execute("DELETE FROM outputs WHERE key = ?", (key,))
    actions = db.execute("DELETE FROM actions WHERE key = ?", (key,)).rowcount
    return Freed(actions) + _delete_unused(db, blobs, {digest for (digest,) in digests}, long_ago())


def sweep(db: sqlite3.Connection, blobs: Blobs, put_before: float) -> Freed:
    """Delete blobs that no action has, unless put later than that, and old files that the index does not know."""
    digests = db.execute("SELECT digest FROM blobs WHERE put < ?", (put_before,)).fetchall()
    freed = _delete_unused(db, blobs, {digest for (digest,) in digests}, put_before)
    for digest in blobs.abandoned():
        if not db.execute("SELECT 1 FROM blobs WHERE digest = ? AND data IS NULL", (digest,)).fetchone():
            blobs.delete(digest)
    return freed


def long_ago() -> float:
    """When whoever put something, and did not record it yet, must have died."""
    return time.time() - ABANDONED_SECONDS


def _delete_unused(db: sqlite3.Connection, blobs: Blobs, digests: Iterable[str], put_before: float) -> Freed:
    unused = "digest = ?1 AND put < ?2 AND NOT EXISTS (SELECT 1 FROM outputs WHERE digest = ?1)"
    delete = f"DELETE FROM blobs WHERE {unused} RETURNING bytes, data IS NULL"
    freed = 0
    for digest in digests:
        for size, in_file in db.execute(delete, (digest, put_before)).fetchall():
            freed += size
            if in_file:
                blobs.delete(digest)
    return Freed(bytes=freed)
