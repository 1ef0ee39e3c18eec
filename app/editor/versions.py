"""The versions of a workflow: what it was when it ran, when it was saved, and before each pause in editing.

A content that comes again, as when a workflow runs many times, is kept once; older versions are thinned out.
"""

import hashlib
import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pipelines.database import Database
from pipelines.document import Document
from pipelines.upgrades import upgraded

SCHEMA = """
CREATE TABLE IF NOT EXISTS contents (digest TEXT PRIMARY KEY, records BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    id INTEGER PRIMARY KEY, workflow TEXT NOT NULL, digest TEXT NOT NULL, at REAL NOT NULL,
    why TEXT NOT NULL, name TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS versions_by_workflow ON versions (workflow, at);
CREATE INDEX IF NOT EXISTS versions_by_digest ON versions (digest);
"""
Why = Literal["paused", "ran", "saved"]
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
# (up to which age, one version each so often), in seconds; those with a name stay.
THINNED = ((HOUR, 0.0), (DAY, 10 * MINUTE), (7 * DAY, HOUR), (100 * DAY, DAY), (float("inf"), 7 * DAY))
PAUSE = 2 * MINUTE
MOST_EDITS = 60


class VersionUnknown(LookupError):
    """A version that is not (or no longer) there."""


@dataclass(frozen=True, slots=True)
class Version:
    """at: when the workflow was so, in seconds since 1970. why: what it was kept for. name: "" for none."""

    id: int
    workflow: str
    digest: str
    at: float
    why: Why
    name: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Versions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, workflow: str, document: Document, why: Why, name: str = "", at: float | None = None) -> Version:
        """Keep a workflow as it was `at` that time (now, if None); what is as it was in the last version is that one.

        A name is added to the last version if nothing has changed since, unless that has one already.
        """
        records = dict(document.records)
        digest = hashlib.sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()
        when = time.time() if at is None else at
        with self._database.transaction():
            last = self._versions("workflow = ? ORDER BY at DESC, id DESC LIMIT 1", workflow)
            if last and last[0].digest == digest and not (name and last[0].name):
                kept = replace(last[0], name=name or last[0].name, why=last[0].why if why == "paused" else why)
                self._query("UPDATE versions SET name = ?, why = ? WHERE id = ?", kept.name, kept.why, kept.id)
                return kept
            content = zlib.compress(json.dumps(records, separators=(",", ":")).encode())
            self._query("INSERT OR IGNORE INTO contents VALUES (?, ?)", digest, content)
            ((made,),) = self._query(
                "INSERT INTO versions (workflow, digest, at, why, name) VALUES (?, ?, ?, ?, ?) RETURNING id",
                *(workflow, digest, when, why, name),
            )
            self._thin(workflow)
        return Version(made, workflow, digest, when, why, name)

    def all(self, workflow: str) -> list[Version]:
        """The last first."""
        return self._versions("workflow = ? ORDER BY at DESC, id DESC", workflow)

    def get(self, workflow: str, version: int) -> Version:
        """VersionUnknown if that workflow has no such version."""
        found = self._versions("workflow = ? AND id = ?", workflow, version)
        if not found:
            raise VersionUnknown(f"{workflow} has no version {version}; the list of versions shows those there are")
        return found[0]

    def document(self, digest: str) -> Document:
        """VersionUnknown if it was thinned out meanwhile."""
        rows = self._query("SELECT records FROM contents WHERE digest = ?", digest)
        if not rows:
            raise VersionUnknown("this version was thinned out meanwhile; choose one that the list shows now")
        return Document(upgraded(json.loads(zlib.decompress(rows[0][0]))))

    def rename(self, workflow: str, version: int, name: str) -> None:
        """Give a version a name, with which it stays for good; "" takes it away. VersionUnknown if it is not there."""
        self.get(workflow, version)
        self._query("UPDATE versions SET name = ? WHERE id = ?", name, version)

    def _thin(self, workflow: str) -> None:
        gone = thinned(self.all(workflow), time.time())
        for version in gone:
            self._query("DELETE FROM versions WHERE id = ?", version.id)
            self._query(
                "DELETE FROM contents WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM versions WHERE digest = ?)",
                *(version.digest, version.digest),
            )

    def _query(self, sql: str, *parameters: object) -> list[Any]:
        return self._database.query(sql, *parameters)

    def _versions(self, rest: str, *parameters: object) -> list[Version]:
        rows = self._query(f"SELECT id, workflow, digest, at, why, name FROM versions WHERE {rest}", *parameters)
        return [Version(*row) for row in rows]


def thinned(versions: Sequence[Version], now: float) -> list[Version]:
    """Those to let go: of several in one stretch of time the last one that ran stays, else the last.

    versions: the last first. What has a name stays, and so does the last of all.
    """
    stay: dict[tuple[float, int], Version] = {}
    gone = []
    for version in versions[1:]:
        stretch = next(each for age, each in THINNED if now - version.at < age)
        if version.name or not stretch:
            continue
        other = stay.setdefault((stretch, int(version.at // stretch)), version)
        if other is version:
            continue
        if version.why == "ran" and other.why != "ran":
            stay[stretch, int(version.at // stretch)], version = version, other
        gone.append(version)
    return gone


class Pauses:
    """Tells when a version is due, by the times of the edits: before the first edit after a pause, and now and then."""

    def __init__(self, at: float) -> None:
        self._last = at
        self._edits = 0
        self._due = True

    def edited(self, now: float) -> float | None:
        """An edit comes. The time of the last one, if the workflow as it was since then is to be kept."""
        last, self._last = self._last, now
        due = self._due or now - last >= PAUSE or self._edits >= MOST_EDITS
        self._edits = 1 if due else self._edits + 1
        self._due = False
        return last if due else None
