"""What nodes took on this machine, kept from run to run."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS measurements (
    node_type TEXT NOT NULL,
    version INTEGER NOT NULL,
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    size REAL NOT NULL,
    seconds REAL NOT NULL,
    peak_bytes INTEGER NOT NULL,
    created REAL NOT NULL,
    whole REAL NOT NULL DEFAULT 0,
    frame REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS measurements_by_node ON measurements (node_type, version, device, created);
"""
KEPT = 200


@dataclass(frozen=True, slots=True)
class Load:
    """What a node has to do. kind: the settings that choose another computation. size: how much of it, in any unit.

    whole, frame: how much of it there is at once, in any unit, and of that in one frame; 0 if that was not measured.
    """

    node_type: str
    version: int
    kind: str
    size: float
    whole: float = 0.0
    frame: float = 0.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """peak_bytes: as in `pipelines.events.Event`; 0 if it was not measured."""

    load: Load
    seconds: float
    peak_bytes: int


class Measurements:
    """Those in the SQLite file at `path`, of one torch device."""

    def __init__(self, path: Path, device: str) -> None:
        self._database = Database(path, SCHEMA)
        self._device = device
        with self._database.transaction():
            there = {column[1] for column in self._database.query("PRAGMA table_info(measurements)")}
            for name in ("whole", "frame"):
                if name not in there:  # the file is of a version before
                    self._database.query(f"ALTER TABLE measurements ADD COLUMN {name} REAL NOT NULL DEFAULT 0")

    def add(self, measured: Iterable[Measurement]) -> None:
        """Keep measurements; of each node type the last 200 stay."""
        now = time.time()
        with self._database.transaction():
            for one in measured:
                load = one.load
                self._database.query(
                    "INSERT INTO measurements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    *(load.node_type, load.version, self._device, load.kind, load.size),
                    *(one.seconds, one.peak_bytes, now, load.whole, load.frame),
                )
                self._database.query(
                    "DELETE FROM measurements WHERE node_type = ? AND rowid NOT IN "
                    "(SELECT rowid FROM measurements WHERE node_type = ? ORDER BY created DESC, rowid DESC LIMIT ?)",
                    *(load.node_type, load.node_type, KEPT),
                )

    def of(self, node_type: str, version: int) -> list[Measurement]:
        """Those of a node type, the last first."""
        rows = self._database.query(
            "SELECT kind, size, whole, frame, seconds, peak_bytes FROM measurements "
            "WHERE node_type = ? AND version = ? AND device = ? ORDER BY created DESC, rowid DESC",
            *(node_type, version, self._device),
        )
        return [Measurement(Load(node_type, version, *load), seconds, peak) for *load, seconds, peak in rows]

    def close(self) -> None:
        self._database.close()
