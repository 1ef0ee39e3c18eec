"""Undo on disk: an edit is written once, when it is made; taking it back moves a mark. So it outlives the server."""

import json
import zlib
from collections.abc import Iterable

from app.editor.history import Edit, Line, Unkept
from pipelines.database import Database
from pipelines.diff import RecordsDiff

SCHEMA = """
CREATE TABLE IF NOT EXISTS edits (
    workflow TEXT NOT NULL, user TEXT NOT NULL, number INTEGER NOT NULL, label TEXT NOT NULL, diff BLOB NOT NULL,
    PRIMARY KEY (workflow, user, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (
    workflow TEXT NOT NULL, user TEXT NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (workflow, user)
) WITHOUT ROWID;
"""


class UndoLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, workflow: str) -> dict[str, Line]:
        """Everybody's edits of a workflow. Of a line that cannot be read, as a newer version wrote it, nothing."""
        lines = {}
        for user, done in self._database.query("SELECT user, done FROM marks WHERE workflow = ?", workflow):
            rows = self._database.query(
                "SELECT number, label, diff FROM edits WHERE workflow = ? AND user = ? ORDER BY number", workflow, user
            )
            try:
                edits = [Edit(label, _unpacked(diff)) for _, label, diff in rows]
            except (ValueError, zlib.error):
                continue
            first = rows[0][0] if rows else done
            lines[user] = Line(edits, done - first, first, first + len(edits))
        return lines

    def write(self, workflow: str, changes: Iterable[Unkept]) -> None:
        """Bring what `History.take_unkept` gave to disk, all or nothing."""
        with self._database.transaction():
            for change in changes:
                whose = (workflow, change.user)
                self._database.query(
                    "DELETE FROM edits WHERE workflow = ? AND user = ? AND (number >= ? OR number < ?)",
                    *(*whose, change.start, change.first),
                )
                for number, edit in enumerate(change.edits, change.start):
                    self._database.query(
                        "INSERT INTO edits VALUES (?, ?, ?, ?, ?)", *whose, number, edit.label, _packed(edit.diff)
                    )
                self._database.query("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", *whose, change.done)

    def forget(self, workflow: str) -> None:
        """A new workflow takes that name."""
        with self._database.transaction():
            for table in ("edits", "marks"):
                self._database.query(f"DELETE FROM {table} WHERE workflow = ?", workflow)


def _packed(diff: RecordsDiff) -> bytes:
    return zlib.compress(json.dumps(diff.to_json(), separators=(",", ":")).encode())


def _unpacked(packed: bytes) -> RecordsDiff:
    return RecordsDiff.from_json(json.loads(zlib.decompress(packed)))
