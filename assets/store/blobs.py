"""Large blobs as files by digest in sub-folders: each is whole or not there, whenever the power goes."""

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
        self.sweep()

    def path(self, digest: str) -> Path:
        """Where the blob of that digest is or would be; BlobMissing for what is no digest."""
        if not DIGEST.fullmatch(digest):
            raise BlobMissing(f"{digest[:80]!r} is no digest; it needs 64 hexadecimal digits")
        return self._root / digest[:2] / digest

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def size(self, digest: str) -> int:
        return self.path(digest).stat().st_size

    def read(self, digest: str) -> bytes:
        """A blob's bytes as they are, right or damaged."""
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(f"the store has no result {digest[:12]}; run again to compute it") from None

    def stage(self, data: bytes) -> Path:
        """Bring `data` to disk under a name of no meaning, for `place` to make it a blob."""
        handle, name = tempfile.mkstemp(dir=self._tmp)
        staged = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            staged.unlink(missing_ok=True)
            raise OSError(
                error.errno,
                f"a result of {len(data)} bytes could not be kept in {self._root} ({error.strerror}); "
                "free some space or clear the cache",
            ) from error
        return staged

    def place(self, staged: Path, digest: str) -> None:
        """Make a staged file the blob of that digest, in one step."""
        path = self.path(digest)
        path.parent.mkdir(exist_ok=True)
        staged.replace(path)

    def delete(self, digest: str) -> None:
        self.path(digest).unlink(missing_ok=True)

    def abandoned(self) -> list[str]:
        """The digests of all files that have been here for a while; whoever knows of none of them may delete them."""
        oldest = time.time() - ABANDONED_SECONDS
        return [path.name for path in self._root.glob("??/*") if DIGEST.fullmatch(path.name) and _older(path, oldest)]

    def sweep(self) -> None:
        """Delete what a killed process left half written; another may be writing now, so only what is old."""
        oldest = time.time() - ABANDONED_SECONDS
        for path in self._tmp.iterdir():
            if _older(path, oldest):
                path.unlink(missing_ok=True)


def _older(path: Path, than: float) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime < than
    return False
