"""A SQLite file that several threads and processes write to, and that is put aside, not lost, when it is damaged."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assets.database import connected, is_damaged, put_aside, transaction


class Database:
    """path: of the file, made with `schema` (CREATE ... IF NOT EXISTS statements) if it is not there."""

    def __init__(self, path: Path, schema: str) -> None:
        self._lock = threading.RLock()

        def prepare(connection: sqlite3.Connection) -> None:
            # A run that was queued is on disk when the caller hears of it, even if the power goes.
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(schema)

        try:
            self._connection = connected(path, prepare)
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
            put_aside(path)
            self._connection = connected(path, prepare)

    def query(self, sql: str, *parameters: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the queries inside, or none of them; other processes wait meanwhile."""
        with self._lock, transaction(self._connection):
            yield

    def version(self) -> int:
        """Another number whenever another process has written."""
        return int(self.query("PRAGMA data_version")[0][0])

    def close(self) -> None:
        with self._lock:
            self._connection.close()


class Held:
    """A lock between processes that ends with the process, however it ends: an open transaction on a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def take(self) -> bool:
        """Hold it; False if another process does."""
        if self._connection is not None:
            return True
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            connection.close()
            return False
        self._connection = connection
        return True

    def release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
