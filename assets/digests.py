"""sha256 of files, remembered by size and time of change, also over restarts: many gigabytes are read once."""

import hashlib
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from assets.database import connected, is_damaged, put_aside

FILE = ".digests.sqlite"
"""In Patchloom's own models folder."""
_SCHEMA = "CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, size INTEGER, changed INTEGER, digest TEXT)"
_PIECE = 1 << 22
_AT_ONCE = 1 << 28


class StillReading(Exception):
    """A large file is being read for the first time. read, size: bytes."""

    def __init__(self, read: int, size: int) -> None:
        super().__init__(f"{read} of {size} bytes are read")
        self.read, self.size = read, size


class Digests:
    """Remembers in memory, and in a SQLite file once `keep_in` names one. Safe for threads and processes.

    patient: whether `of` waits for a large file; else it has it read in the background, and raises StillReading.
    when_read: called, on another thread, once one was read in the background.
    """

    def __init__(self) -> None:
        self.patient = True
        self.when_read: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, int], str] = {}
        self._read_of: dict[Path, int] = {}
        self._threads: dict[Path, threading.Thread] = {}
        self._file: Path | None = None

    def keep_in(self, path: Path) -> None:
        """Remember in this file from now on, and what it knows already. Where it can't be used, in memory alone."""
        try:
            self._recall(path)
        except sqlite3.Error as error:
            if not is_damaged(error):
                return
            put_aside(path)
        self._file = path

    def of(self, path: Path) -> str:
        """The sha256 of a file in hex; StillReading where it is large and nobody is to wait."""
        stat = path.stat()
        as_named = (str(path), stat.st_size, stat.st_mtime_ns)
        if known := self._known.get(as_named):
            return known
        path = path.resolve()
        if known := self._known.get((str(path), stat.st_size, stat.st_mtime_ns)):
            self._known[as_named] = known
            return known
        if self.patient or stat.st_size <= _AT_ONCE:
            return self._read(path)
        with self._lock:
            if path not in self._threads:
                self._threads[path] = threading.Thread(target=self._read_aside, args=(path,), daemon=True)
                self._threads[path].start()
        raise StillReading(self._read_of.get(path, 0), stat.st_size)

    def reading(self) -> list[threading.Thread]:
        """Those that read a file now."""
        return list(self._threads.values())

    def _read_aside(self, path: Path) -> None:
        self._read(path)
        self.when_read()

    def _read(self, path: Path) -> str:
        stat, whole = path.stat(), hashlib.sha256()
        try:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    whole.update(piece)
                    self._read_of[path] = file.tell()
            self._remember(path, stat.st_size, stat.st_mtime_ns, whole.hexdigest())
        finally:
            self._read_of.pop(path, None)
            self._threads.pop(path, None)
        return whole.hexdigest()

    def _remember(self, path: Path, size: int, changed: int, digest: str) -> None:
        self._known[str(path), size, changed] = digest
        if self._file and size > _PIECE:  # a small file is read sooner than looked up
            with suppress(sqlite3.Error), closing(connected(self._file, _prepare)) as connection:  # a full disk, say
                row = (str(path), size, changed, digest)
                connection.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", row)

    def _recall(self, file: Path) -> None:
        with closing(connected(file, _prepare)) as connection:
            rows = connection.execute("SELECT path, size, changed, digest FROM digests").fetchall()
        self._known |= {(path, size, changed): digest for path, size, changed, digest in rows}


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(_SCHEMA)


digests = Digests()
"""This process's."""
