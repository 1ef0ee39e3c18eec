"""Undo on disk: an edit is written once, when it is made; taking it back moves a mark. So it outlives the server."""

import json
import zlib
from collections.abc import Iterable, Sequence

from app.editor.history import Edit, Line, Unkept
from pipelines.database import Database
from pipelines.diff import RecordsDiff
from pipelines.document import Document
from pipelines.strict_json import Json
from pipelines.upgrades import aged, upgraded_part

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

    def load(self, workflow: str, now: Document) -> dict[str, Line]:
        """Everybody's edits of a workflow, which is like that now. Nothing of a line that a newer version wrote.

        What older versions wrote is brought up to date as it is read (pipelines.upgrades).
        """
        lines = {}
        for user, done in self._database.query("SELECT user, done FROM marks WHERE workflow = ?", workflow):
            rows = self._database.query(
                "SELECT number, label, diff FROM edits WHERE workflow = ? AND user = ? ORDER BY number", workflow, user
            )
            try:
                diffs = up_to_date([_unpacked(diff) for *_, diff in rows], now)
            except (ValueError, LookupError, TypeError, AttributeError, zlib.error):
                continue
            edits = [Edit(label, diff) for (_, label, _), diff in zip(rows, diffs, strict=True)]
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


def up_to_date(diffs: Sequence[RecordsDiff], now: Document) -> list[RecordsDiff]:
    """The diffs with their nodes in the newest version that is known here.

    An edit need not hold the node whose wire or port it changes: that is in another one, or in the workflow as it is.
    """
    around = {key: record for diff in diffs for key, record in _aged(diff).items()} | aged(now.records)
    if not any(key.startswith("node:") for key in around):
        return list(diffs)

    def made(diff: RecordsDiff) -> RecordsDiff:
        nearest = around | _aged(diff)
        sides = ({key: change[side] for key, change in diff.updated.items()} for side in (0, 1))
        before, after = (upgraded_part(side, nearest) for side in sides)
        updated = {key: (before[key], after[key]) for key in before.keys() & after.keys()}
        return RecordsDiff(upgraded_part(diff.added, nearest), updated, upgraded_part(diff.removed, nearest))

    return [made(diff) for diff in diffs]


def _aged(diff: RecordsDiff) -> dict[str, Json]:
    after = {key: record for key, (_, record) in diff.updated.items()}
    return aged({**diff.removed, **after, **diff.added})


def _packed(diff: RecordsDiff) -> bytes:
    return zlib.compress(json.dumps(diff.to_json(), separators=(",", ":")).encode())


def _unpacked(packed: bytes) -> RecordsDiff:
    return RecordsDiff.from_json(json.loads(zlib.decompress(packed)))
