"""What goes when the store is over its budget: that which is cheapest to compute again for the bytes that it takes.

GreedyDual-Size (Cao, Irani, "Cost-Aware WWW Proxy Caching Algorithms", 1997): an action's credit is its seconds a byte
plus the floor, which is the credit of what was evicted last. So what is not used for long is overtaken by what is.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from assets.store.blobs import Blobs

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
    """Delete an entry, and those of its blobs that no other has and that nobody has put anew since."""
    gone = db.execute(
        "SELECT digest FROM outputs JOIN blobs USING (digest) JOIN actions USING (key)"
        " WHERE key = ? AND blobs.created <= actions.used",
        (key,),
    ).fetchall()
    db.execute("DELETE FROM outputs WHERE key = ?", (key,))
    entries = db.execute("DELETE FROM actions WHERE key = ?", (key,)).rowcount
    return Freed(entries) + _delete_unused(db, blobs, {digest for (digest,) in gone})


def sweep(db: sqlite3.Connection, blobs: Blobs, before: float) -> Freed:
    """Delete blobs that were put before then and that no action has, and old files that the index does not know."""
    unused = "SELECT digest FROM blobs WHERE created < ?"
    freed = _delete_unused(db, blobs, [digest for (digest,) in db.execute(unused, (before,)).fetchall()])
    for digest in blobs.abandoned():
        if not db.execute("SELECT 1 FROM blobs WHERE digest = ? AND data IS NULL", (digest,)).fetchone():
            blobs.delete(digest)
    return freed


def _delete_unused(db: sqlite3.Connection, blobs: Blobs, digests: Iterable[str]) -> Freed:
    """Delete those blobs that no action has."""
    unused = "DELETE FROM blobs WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM outputs WHERE digest = ?1)"
    freed = 0
    for digest in digests:
        for size, in_file in db.execute(f"{unused} RETURNING bytes, data IS NULL", (digest,)).fetchall():
            freed += size
            if in_file:
                blobs.delete(digest)
    return Freed(bytes=freed)
