"""The store as its users see it: actions by key, values by digest, within a budget of bytes."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assets.codec import CorruptBlob, Encoded, Framework, blob_digest, decode, encoded
from assets.store import actions, eviction
from assets.store.actions import Action
from assets.store.blobs import BlobMissing, Blobs
from assets.store.eviction import Freed
from assets.store.index import Index
from assets.store.leases import Leases
from assets.store.packing import pack, unpack
from assets.store.partial import Partial, sweep_partials
from assets.values import Value

# A file costs a sync of some milliseconds, a row no more than a copy of its bytes (`python -m benchmarks.store`).
INLINE_BYTES = 64 * 1024
NOTE_USES_SECONDS = 0.5
Lookup = Callable[[str], dict[str, str] | None]


@dataclass(frozen=True, slots=True)
class Made:
    """What a computation made, to be kept; the fields are those of `Action`."""

    key: str
    node_type: str
    outputs: Mapping[str, Encoded]
    seconds: float
    device: str
    peak_bytes: int = 0


class Store:
    """A folder of results that outlives the process. Threads and processes may share it, each process by its own Store.

    folder: made if it is not there. Below it: index.db (SQLite, WAL; small blobs too), blobs/ab/abcd... (large
    ones; clips compressed, without loss), partial, runs and tmp.
    budget: bytes that `trim` brings the blobs down to; None: no bound.
    """

    def __init__(self, folder: Path, budget: int | None = None) -> None:
        self.folder = folder
        self.budget = budget
        self._blobs = Blobs(folder)
        self._leases = Leases(folder)
        self._index = Index(folder / "index.db")
        self._asked: dict[str, None] = {}
        self._uses: dict[str, float] = {}
        self._uses_lock = threading.Lock()
        self._noting: threading.Timer | None = None

    def lookup(self, key: str) -> dict[str, str] | None:
        """What `key` gave before, digests by output name, if all of them are still here."""
        self._asked[key] = None
        outputs = actions.find(self._index, self._blobs, [key]).get(key)
        if outputs:
            self._used(key)
        return outputs

    def at_once(self) -> Lookup:
        """`lookup` for the moment: what was asked for since this was last called is likely wanted, so it is read now.

        Most of a workflow's keys are those of its last run, and many cost less at once than one by one.
        """
        asked, self._asked = self._asked, {}
        read = actions.find(self._index, self._blobs, list(asked))

        def lookup(key: str) -> dict[str, str] | None:
            outputs = read.get(key)
            if outputs is None:
                return self.lookup(key)
            self._asked[key] = None
            self._used(key)
            return outputs

        return lookup

    def keep(self, made: Sequence[Made]) -> None:
        """Keep what computations made, values and actions, at the cost of one: all of it is kept, or none."""
        with self._staged(blob for one in made for blob in one.outputs.values()) as write, self._index.writing() as db:
            write(db, 0)
            for one in made:
                digests = {name: blob.digest for name, blob in one.outputs.items()}
                actions.record(db, one.key, one.node_type, digests, one.seconds, one.device, one.peak_bytes)

    def record(
        self, key: str, node_type: str, outputs: dict[str, str], seconds: float, device: str, peak_bytes: int = 0
    ) -> None:
        """Remember that `key` gave `outputs` (digests by output name, put before) in `seconds` on `device`."""
        with self._index.writing() as db:
            actions.record(db, key, node_type, outputs, seconds, device, peak_bytes)

    def put(self, value: Value) -> str:
        """Keep a value and return its digest. A large value that is here already is not written again."""
        blob = encoded(value)
        with self._staged([blob]) as write, self._index.writing() as db:
            write(db, time.time())
        return blob.digest

    def get(self, digest: str, framework: Framework = "numpy") -> Value:
        """The value of that digest. BlobMissing if it is not here, or is damaged, in which case it is deleted."""
        data = self._read(digest)
        reason = damage(data, digest)
        if reason is None:
            try:
                return decode(data, framework)
            except CorruptBlob as error:
                reason = str(error)
        self._delete_damaged(digest)
        raise BlobMissing(f"the stored result {digest[:12]} was damaged ({reason}) and is deleted; run again")

    def partial(self, key: str) -> Partial:
        """The steps that an interrupted computation of `key` kept; whoever finishes it deletes them."""
        return Partial(self.folder / "partial" / key)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Around a run: nothing that it uses is evicted until it ends; then the store is brought within its budget."""
        with self._leases.held():
            yield
        self.trim()

    def trim(self) -> Freed:
        """Evict what is cheapest to compute again for its bytes until the budget holds, but nothing that is in use."""
        if self.budget is None or self.size() <= self.budget:
            return Freed()
        self._note_uses()
        with self._index.writing() as db:
            return eviction.evict(db, self._blobs, self.budget, self._leases.oldest())

    def gc(self) -> Freed:
        """Delete what nothing refers to and what killed processes left behind, then `trim`."""
        self._blobs.sweep()
        sweep_partials(self.folder / "partial")
        with self._index.writing() as db:
            freed = eviction.sweep(db, self._blobs, eviction.long_ago())
        freed += self.trim()
        self._index.shrink()
        return freed

    def size(self) -> int:
        """Bytes that the blobs take."""
        size: int = self._index.ask("SELECT coalesce(sum(bytes), 0) FROM blobs")[0][0]
        return size

    def entries(self) -> list[Action]:
        """Everything that was recorded, newest first, with or without its blobs."""
        self._note_uses()
        return actions.every(self._index)

    def named(self, start: str) -> Action:
        """The newest entry whose key, or the digest of one of whose outputs, begins with `start`; else BlobMissing."""
        for action in self.entries():
            if start and any(name.startswith(start) for name in (action.key, *action.outputs.values())):
                return action
        raise BlobMissing(f"nothing in the store is called {start[:80]!r}; `patchloom cache ls` shows what there is")

    def pin(self, key: str, pinned: bool = True) -> None:
        """Never evict what that key gave, or (with False) treat it as all others."""
        with self._index.writing() as db:
            db.execute("UPDATE actions SET pinned = ? WHERE key = ?", (pinned, key))

    def forget(self, key: str) -> Freed:
        """Delete one entry, pinned or not, and those of its blobs that no other has."""
        with self._index.writing() as db:
            return eviction.forget(db, self._blobs, key)

    def clear(self) -> Freed:
        """Forget everything but what is pinned."""
        with self._index.writing() as db:
            keys = db.execute("SELECT key FROM actions WHERE NOT pinned").fetchall()
            freed = sum((eviction.forget(db, self._blobs, key) for (key,) in keys), Freed())
            return freed + eviction.sweep(db, self._blobs, put_before=time.time())

    def mend(self) -> bool:
        """Put the index aside and begin anew, and return True, if it is damaged; no other process may have it open."""
        return self._index.mend()

    def verify(self) -> list[str]:
        """Read every blob; delete those that are damaged and return their digests."""
        damaged = []
        for (digest,) in self._index.ask("SELECT digest FROM blobs ORDER BY digest"):
            with contextlib.suppress(BlobMissing):
                if damage(self._read(digest), digest) and self._delete_damaged(digest):
                    damaged.append(digest)
        return damaged

    def close(self) -> None:
        """Close the index. What was recorded is on disk before that."""
        self._note_uses()
        self._index.close()

    @contextlib.contextmanager
    def _staged(self, blobs: Iterable[Encoded]) -> Iterator[Callable[[sqlite3.Connection, float], None]]:
        """Brings the large blobs to disk, so that the transaction that then names them all is short."""
        blobs = list({blob.digest: blob for blob in blobs}.values())
        large = {blob.digest: blob.data for blob in blobs if len(blob.data) > INLINE_BYTES}
        staged: dict[str, Path] = {}

        def write(db: sqlite3.Connection, put: float) -> None:
            for digest, data in large.items():
                if digest in staged or not self._blobs.has(digest):
                    self._blobs.place(staged.get(digest) or self._blobs.stage(pack(data)), digest)
            sizes = {blob.digest: len(blob.data) for blob in blobs} | {
                digest: self._blobs.size(digest) for digest in large
            }
            db.executemany(
                "INSERT INTO blobs VALUES (?, ?, ?, ?) ON CONFLICT (digest)"
                " DO UPDATE SET (bytes, put, data) = (excluded.bytes, excluded.put, excluded.data)",
                [(blob.digest, sizes[blob.digest], put, None if blob.digest in large else blob.data) for blob in blobs],
            )

        try:
            for digest, data in large.items():
                if not self._blobs.has(digest):
                    staged[digest] = self._blobs.stage(pack(data))
            yield write
        finally:
            for path in staged.values():
                path.unlink(missing_ok=True)

    def _read(self, digest: str) -> bytes:
        rows = self._index.ask("SELECT data FROM blobs WHERE digest = ?", digest)
        if not rows:
            raise BlobMissing(f"the store has no result {digest[:12]!r}; run again to compute it")
        data: bytes | None = rows[0][0]
        return unpack(self._blobs.read(digest)) if data is None else data

    def _delete_damaged(self, digest: str) -> bool:
        """Delete a blob unless it has been made good meanwhile."""
        with self._index.writing() as db, contextlib.suppress(BlobMissing):
            if damage(self._read(digest), digest):
                db.execute("DELETE FROM blobs WHERE digest = ?", (digest,))
                self._blobs.delete(digest)
                return True
        return False

    def _used(self, key: str) -> None:
        """Note a use, together with those of the next moments: a lookup is a thousand times a run."""
        with self._uses_lock:
            self._uses[key] = time.time()
            if self._noting is None:
                self._noting = threading.Timer(NOTE_USES_SECONDS, self._note_uses)
                self._noting.daemon = True
                self._noting.start()

    def _note_uses(self) -> None:
        with self._uses_lock:
            if self._noting:
                self._noting.cancel()
                self._noting = None
            # What is used is worth knowing, but nothing fails for it.
            with contextlib.suppress(sqlite3.OperationalError, OSError):
                if self._uses:
                    with self._index.writing() as db:
                        actions.use(db, self._uses)
            self._uses.clear()


def damage(data: bytes, digest: str) -> str | None:
    """What is wrong with a blob, if it does not hold what its digest says."""
    try:
        return None if blob_digest(data) == digest else "its bytes have changed"
    except CorruptBlob as error:
        return str(error)
