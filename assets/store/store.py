"""The store as its users see it: actions by key, values by digest."""

import contextlib
import time
from pathlib import Path
from typing import Any

from assets.codec import CorruptBlob, Framework, blob_digest, content_digest, decode, encode, read_spec
from assets.store.blobs import BlobMissing, Blobs
from assets.store.index import Action, Index
from assets.store.partial import Partial
from assets.values import ModelHandle, Value


class Store:
    """A folder of results that outlives the process. Threads and processes may share it, each process by its own Store.

    folder: made if it is not there. Below it: index-1.db (SQLite, WAL), blobs/ab/abcd..., tmp/.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = Blobs(folder)
        self._index = Index(folder / "index-1.db")

    def lookup(self, key: str) -> Action | None:
        """What `key` gave before, if all of its outputs are still here."""
        action = self._index.find(key)
        if action and all(self._blobs.has(digest) for digest in action.outputs.values()):
            return action
        return None

    def record(
        self, key: str, node_type: str, outputs: dict[str, str], seconds: float, device: str, peak_bytes: int = 0
    ) -> None:
        """Remember that `key` gave `outputs` (digests by output name, put before) in `seconds` on `device`."""
        self._index.write(Action(key, node_type, outputs, seconds, device, time.time(), peak_bytes))

    def partial(self, key: str) -> Partial:
        """The steps that an interrupted computation of `key` kept; whoever finishes it deletes them."""
        return Partial(self.folder / "partial" / key)

    def put(self, value: Value) -> str:
        """Keep a value and return its digest. A value that is here already is not written again."""
        data = encode(value)
        if isinstance(value, ModelHandle):
            digest = content_digest(value)
            # The same weights may have moved: the newest path is the one to keep.
            self._blobs.write(digest, data, replace=True)
            return digest
        digest = blob_digest(data)
        self._blobs.write(digest, data)
        return digest

    def get(self, digest: str, framework: Framework = "numpy") -> Value:
        """The value of that digest. BlobMissing if it is not here, or is damaged, in which case it is deleted."""
        data = self._blobs.read(digest)
        try:
            if blob_digest(data) == digest:
                return decode(data, framework)
            reason = "its bytes have changed"
        except CorruptBlob as error:
            reason = str(error)
        self._blobs.delete(digest)
        raise BlobMissing(f"the stored result {digest[:12]} was damaged ({reason}) and is deleted; run again")

    def spec_json(self, digest: str) -> dict[str, Any]:
        """The spec of a stored value, e.g. {"type": "ClipSpec", "frames": 17, ...}, read without its arrays."""
        try:
            return read_spec(self.path(digest))
        except (CorruptBlob, FileNotFoundError) as error:
            raise BlobMissing(f"the stored result {digest[:12]} cannot be read ({error}); run again") from error

    def path(self, digest: str) -> Path:
        """The file of a stored value; BlobMissing if it is not here."""
        if not self._blobs.has(digest):
            raise BlobMissing(f"the store has no result {digest[:12]!r}; run again to compute it")
        return self._blobs.path(digest)

    def size(self) -> int:
        """Bytes that the blobs take."""
        return sum(self._blobs.sizes().values())

    def entries(self) -> list[Action]:
        """Everything that was recorded, newest first, with or without its blobs."""
        return self._index.all()

    def clear(self) -> None:
        """Forget everything."""
        self._index.clear()
        for digest in self._blobs.sizes():
            self._blobs.delete(digest)

    def verify(self) -> list[str]:
        """Read every blob; delete those that are damaged and return their digests."""
        damaged = []
        for digest in self._blobs.sizes():
            with contextlib.suppress(BlobMissing):
                if not _holds(self._blobs.read(digest), digest):
                    self._blobs.delete(digest)
                    damaged.append(digest)
        return damaged

    def close(self) -> None:
        """Close the index. What was recorded is on disk before that."""
        self._index.close()


def _holds(data: bytes, digest: str) -> bool:
    try:
        return blob_digest(data) == digest
    except CorruptBlob:
        return False
