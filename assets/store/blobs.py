"""Blobs by digest in sub-folders: a blob is whole or not there, whenever the power goes."""

import contextlib
import os
import re
import tempfile
import time
from pathlib import Path

DIGEST = re.compile(r"[0-9a-f]{64}")
ABANDONED_SECONDS = 3600


class BlobMissing(LookupError):
    """A stored result that is not there (any more); whoever asks computes it again."""


class Blobs:
    """The files below `folder`/blobs, each named by a sha256 in hex."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "blobs"
        self._tmp = folder / "tmp"
        self._root.mkdir(parents=True, exist_ok=True)
        self._tmp.mkdir(exist_ok=True)
        self._sweep()

    def path(self, digest: str) -> Path:
        """Where the blob of that digest is or would be; BlobMissing for what is no digest."""
        if not DIGEST.fullmatch(digest):
            raise BlobMissing(f"{digest[:80]!r} is no digest; it needs 64 hexadecimal digits")
        return self._root / digest[:2] / digest

    def has(self, digest: str) -> bool:
        return bool(DIGEST.fullmatch(digest)) and self.path(digest).is_file()

    def read(self, digest: str) -> bytes:
        """A blob's bytes as they are, right or damaged."""
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(f"the store has no result {digest[:12]}; run again to compute it") from None

    def write(self, digest: str, data: bytes, *, replace: bool = False) -> None:
        """Keep `data`, unless there is a blob of that digest already; with `replace`, even then."""
        path = self.path(digest)
        if path.is_file() and not replace:
            return
        path.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._tmp)
        tmp = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            tmp.replace(path)
        except OSError as error:
            raise OSError(
                error.errno,
                f"a result of {len(data)} bytes could not be kept in {self._root} ({error.strerror}); "
                "free some space or clear the cache",
            ) from error
        finally:
            tmp.unlink(missing_ok=True)

    def delete(self, digest: str) -> None:
        self.path(digest).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """Bytes of every blob, by digest."""
        sizes = {}
        for path in self._root.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                sizes[path.name] = path.stat().st_size
        return {name: size for name, size in sizes.items() if DIGEST.fullmatch(name)}

    def _sweep(self) -> None:
        """Delete what a killed process left half written; another may be writing now, so only what is old."""
        oldest = time.time() - ABANDONED_SECONDS
        for path in self._tmp.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
