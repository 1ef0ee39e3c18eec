"""The action table: which outputs a key gave, in SQLite."""

import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS actions (
    key TEXT PRIMARY KEY,
    node_type TEXT NOT NULL,
    outputs TEXT NOT NULL,
    seconds REAL NOT NULL,
    device TEXT NOT NULL,
    created REAL NOT NULL,
    peak_bytes INTEGER NOT NULL
) WITHOUT ROWID
"""
BUSY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Action:
    """One computation that was done.

    key: of the node and all that it was made from. outputs: digests by output name. seconds: that it took.
    device: torch device. created: when, in seconds since 1970. peak_bytes: device memory at most, 0 if not measured.
    """

    key: str
    node_type: str
    outputs: dict[str, str]
    seconds: float
    device: str
    created: float
    peak_bytes: int


class Index:
    """A connection to the table at `path`, for all threads of a process. A damaged file is put aside and begun anew."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            path.replace(path.with_suffix(f".damaged-{int(time.time())}"))
            for name in (f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            self._connection = _connect(path)

    def find(self, key: str) -> Action | None:
        rows = self._query("SELECT * FROM actions WHERE key = ?", key)
        return _action(rows[0]) if rows else None

    def all(self) -> list[Action]:
        return [_action(row) for row in self._query("SELECT * FROM actions ORDER BY created DESC")]

    def write(self, action: Action) -> None:
        self._query(
            "INSERT OR REPLACE INTO actions VALUES (?, ?, ?, ?, ?, ?, ?)",
            action.key,
            action.node_type,
            json.dumps(action.outputs),
            action.seconds,
            action.device,
            action.created,
            action.peak_bytes,
        )

    def clear(self) -> None:
        self._query("DELETE FROM actions")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _query(self, sql: str, *parameters: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Write-ahead log and table. SQLite does not wait its timeout while another process turns the log on."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(SCHEMA)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


def _action(row: tuple[Any, ...]) -> Action:
    key, node_type, outputs, seconds, device, created, peak_bytes = row
    return Action(key, node_type, json.loads(outputs), seconds, device, created, peak_bytes)
