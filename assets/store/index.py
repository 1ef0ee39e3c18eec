"""What the store knows, in SQLite: which outputs a key gave, which blobs there are, and the small blobs themselves."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assets.database import connected, is_damaged, put_aside, transaction

VERSION = 1
# credit and floor: see `eviction`. put: when a blob was put that is still to be recorded; 0 once it is.
# data: NULL where the blob is in a file.
SCHEMA = (
    """
    CREATE TABLE actions (
        key TEXT PRIMARY KEY,
        node_type TEXT NOT NULL,
        seconds REAL NOT NULL,
        device TEXT NOT NULL,
        created REAL NOT NULL,
        peak_bytes INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        used REAL NOT NULL,
        credit REAL NOT NULL,
        pinned INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE outputs (
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (key, name)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX outputs_by_digest ON outputs (digest)",
    """
    CREATE TABLE blobs (
        digest TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL,
        put REAL NOT NULL,
        data BLOB
    )
    """,
    "CREATE INDEX blobs_by_bytes ON blobs (bytes)",
    "CREATE TABLE floor (credit REAL NOT NULL)",
    "INSERT INTO floor VALUES (0)",
    f"PRAGMA user_version = {VERSION}",
)


class Index:
    """A connection to the database at `path`, for all threads of a process. A damaged file is put aside and begun anew.

    Committed means safe from the end of any process, and whole (but maybe not there) after the end of the power.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
            self._connection = self._begun_anew()

    def ask(self, sql: str, *parameters: object) -> list[Any]:
        """The rows of one statement; OSError, with a sentence, where they cannot be had."""
        try:
            with self._lock:
                return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise _plainly(error) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other thread or process writes beside: all of it happens, or none, with an OSError."""
        try:
            with self._lock, transaction(self._connection):
                yield self._connection
        except sqlite3.DatabaseError as error:
            raise _plainly(error) from error

    def mend(self) -> bool:
        """Read all of it; begin anew, and return True, if it is damaged."""
        with self._lock:
            with contextlib.suppress(OSError):
                if self.ask("PRAGMA quick_check") == [("ok",)]:
                    return False
            self._connection.close()
            self._connection = self._begun_anew()
        return True

    def shrink(self) -> None:
        """Give back to the disk what deleted rows took, where it is much and nobody else is busy."""
        (free,), (pages,) = self.ask("PRAGMA freelist_count") + self.ask("PRAGMA page_count")
        if free > pages / 4:
            with contextlib.suppress(OSError):
                self.ask("VACUUM")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _begun_anew(self) -> sqlite3.Connection:
        put_aside(self._path)
        return _connect(self._path)


def _plainly(error: sqlite3.DatabaseError) -> Exception:
    """What SQLite says of the disk, as a sentence; what it says of a fault in the code, as it is."""
    if isinstance(error, sqlite3.OperationalError):
        return OSError(f"the store cannot be used ({error}); free some space or clear the cache")
    if type(error) is sqlite3.DatabaseError:
        return OSError(f"the store is damaged ({error}); stop Patchloom and run `patchloom cache verify`")
    return error


def _connect(path: Path) -> sqlite3.Connection:
    return connected(path, _prepare)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
    if not _is_prepared(connection):
        with transaction(connection):
            for statement in () if _is_prepared(connection) else SCHEMA:
                connection.execute(statement)


def _is_prepared(connection: sqlite3.Connection) -> bool:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version > 0
