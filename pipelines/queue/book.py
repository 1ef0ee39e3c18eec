"""The table of all runs, those that wait and those that were, in one SQLite file."""

import json
import secrets
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.database import Database
from pipelines.document import Document
from pipelines.queue.entry import ENDED, Entry, State, entry
from pipelines.sweep import Axis, batch_axes
from pipelines.upgrades import upgraded

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY,
    workflow TEXT NOT NULL,
    label TEXT NOT NULL,
    targets TEXT NOT NULL,
    sweep TEXT,
    state TEXT NOT NULL,
    place INTEGER NOT NULL,
    stop INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    began REAL,
    ended REAL,
    seconds REAL,
    forecast TEXT NOT NULL,
    result TEXT NOT NULL,
    document BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_state ON runs (state, place);
CREATE INDEX IF NOT EXISTS runs_by_end ON runs (ended) WHERE ended IS NOT NULL;
CREATE TABLE IF NOT EXISTS sweeps (id TEXT PRIMARY KEY, workflow TEXT NOT NULL, axes TEXT NOT NULL, created REAL);
"""
FIELDS = "id, workflow, label, targets, sweep, state, created, began, ended, seconds, forecast, result"


class RunUnknown(LookupError):
    """A run that is not (or no longer) what was asked for: which, how it stands, what to try."""


class Book:
    """The runs in the file at `path`. Threads and processes may share it, each process by its own Book."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, SCHEMA)

    def add(self, runs: Sequence[tuple[Entry, Document]], *, first: bool = False) -> None:
        """Keep runs in the order given: queued ones at the end of the queue, or with `first` before all that wait."""
        with self._database.transaction():
            ((lowest, highest),) = self._query(
                "SELECT COALESCE(MIN(place), 0), COALESCE(MAX(place), 0) FROM runs WHERE state = 'queued'"
            )
            start = lowest - len(runs) if first else highest + 1
            for place, (run, document) in enumerate(runs, start):
                self._query(
                    f"INSERT INTO runs ({FIELDS}, place, document) VALUES ({', '.join('?' * 14)})",
                    *(run.id, run.workflow, run.label, json.dumps(run.targets), run.sweep, run.state),
                    *(run.created, run.began, run.ended, run.seconds, json.dumps(run.forecast)),
                    *(json.dumps(run.result), place, _packed(document)),
                )

    def add_batch(
        self,
        workflow: str,
        variants: Sequence[tuple[str, Document]],
        targets: Collection[str] | None = None,
        *,
        first: bool = False,
    ) -> list[Entry]:
        """Queue a run of each document, with its label; several are a sweep, so that they have a sheet together."""
        sweep = secrets.token_hex(8) if len(variants) > 1 else None
        if sweep:
            self._add_axes(sweep, workflow, batch_axes([label for label, _ in variants]))
        runs = [(entry(workflow, targets, label, sweep), document) for label, document in variants]
        self.add(runs, first=first)
        return [run for run, _ in runs]

    def get(self, run: str) -> Entry:
        """RunUnknown if there is none of that id."""
        rows = self._query(f"SELECT {FIELDS} FROM runs WHERE id = ?", run)
        if not rows:
            raise RunUnknown(f"there is no run {run[:40]!r}; the queue and the history list those there are")
        return _entry(rows[0])

    def named(self, start: str) -> Entry:
        """The run whose id begins so; RunUnknown if there is none or more than one."""
        found = self._entries("WHERE substr(id, 1, ?) = ? LIMIT 2", len(start), start)
        if len(found) != 1:
            raise RunUnknown(
                f"{'more than one run' if found else 'no run'} begins with {start[:40]!r}; list them with ls"
            )
        return found[0]

    def document(self, run: str) -> Document:
        """The exact graph of a run, as it was when it was queued; its nodes as they are written now."""
        rows = self._query("SELECT document FROM runs WHERE id = ?", run)
        if not rows:
            raise RunUnknown(f"there is no run {run[:40]!r}; the queue and the history list those there are")
        return Document(upgraded(json.loads(zlib.decompress(rows[0][0]))))

    def waiting(self) -> list[Entry]:
        """In the order in which they will be done."""
        return self._entries("WHERE state = 'queued' ORDER BY place")

    def running(self) -> list[Entry]:
        return self._entries("WHERE state = 'running' ORDER BY began")

    def history(self, limit: int = 50, before: float | None = None) -> list[Entry]:
        """Runs that ended, the last first. before: only those that ended before that time, to page on."""
        if before is None:
            return self._entries("WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?", limit)
        return self._entries("WHERE ended IS NOT NULL AND ended < ? ORDER BY ended DESC LIMIT ?", before, limit)

    def runs_of(self, workflow: str, limit: int) -> list[Entry]:
        """Runs of one workflow that ended, the last first."""
        return self._entries("WHERE workflow = ? AND ended IS NOT NULL ORDER BY ended DESC LIMIT ?", workflow, limit)

    def cells(self, sweep: str) -> list[Entry]:
        """The runs of a sweep, in the order of its grid."""
        return self._entries("WHERE sweep = ? ORDER BY created, rowid", sweep)

    def begin(self, sweep: str | None = None) -> Entry | None:
        """Take the first that waits as running; None if none does, or it is not of that sweep."""
        rows = self._query(
            "UPDATE runs SET state = 'running', began = ? WHERE id = (SELECT id FROM runs WHERE state = 'queued' "
            f"ORDER BY place LIMIT 1) AND (? IS NULL OR sweep = ?) RETURNING {FIELDS}",
            *(time.time(), sweep, sweep),
        )
        return _entry(rows[0]) if rows else None

    def expect(self, run: str, forecast: Mapping[str, float]) -> None:
        """Note what is expected of a run."""
        self._query("UPDATE runs SET forecast = ? WHERE id = ?", json.dumps(dict(forecast)), run)

    def finish(self, run: str, state: State, seconds: float, result: Mapping[str, Any]) -> None:
        self._query(
            "UPDATE runs SET state = ?, ended = ?, seconds = ?, result = ? WHERE id = ?",
            *(state, time.time(), seconds, json.dumps(dict(result)), run),
        )

    def begin_again(self) -> list[str]:
        """Queue what was running when its process died, before everything that waits; returns the ids."""
        with self._database.transaction():
            interrupted = [run.id for run in self.running()]
            ((lowest,),) = self._query("SELECT COALESCE(MIN(place), 0) FROM runs WHERE state = 'queued'")
            for place, run in enumerate(interrupted, lowest - len(interrupted)):
                self._query("UPDATE runs SET state = 'queued', began = NULL, place = ? WHERE id = ?", place, run)
        return interrupted

    def move(self, run: str, before: str | None = None) -> None:
        """Put a run that waits before another that does, or at the end. RunUnknown if one of them waits no longer."""
        with self._database.transaction():
            order = [each.id for each in self.waiting()]
            for each in filter(None, (run, before)):
                if each not in order:
                    raise RunUnknown(f"the run {each[:40]!r} is not waiting (any more), so it cannot be moved")
            if run == before:
                return
            order.remove(run)
            order.insert(len(order) if before is None else order.index(before), run)
            for place, each in enumerate(order):
                self._query("UPDATE runs SET place = ? WHERE id = ?", place, each)

    def cancel(self, run: str) -> None:
        """End a run that waits; ask one that is running to stop, of whichever process it is."""
        with self._database.transaction():
            state = self.get(run).state
            if state == "queued":
                self.finish(run, "cancelled", 0.0, {})
            elif state == "running":
                self._query("UPDATE runs SET stop = 1 WHERE id = ?", run)

    def is_stopped(self, run: str) -> bool:
        """Whether a run was asked to stop."""
        return bool(self._query("SELECT 1 FROM runs WHERE id = ? AND stop", run))

    def forget(self, run: str) -> None:
        """Take a run that ended out of the history; its results stay in the store."""
        found = self.get(run)
        if found.state not in ENDED:
            raise RunUnknown(f"the run {run[:40]!r} is {found.state}; cancel it first")
        self._query("DELETE FROM runs WHERE id = ?", run)

    def add_sweep(self, sweep: str, workflow: str, axes: Sequence[Axis]) -> None:
        """Keep the axes of a sweep; its cells are the runs that name it."""
        told = [
            {"node": axis.node, "widget": axis.widget, "labels": [axis.label(value) for value in axis.values]}
            for axis in axes
        ]
        self._add_axes(sweep, workflow, told)

    def sweep(self, sweep: str) -> tuple[str, list[dict[str, Any]]]:
        """The workflow and the axes ({"node", "widget", "labels"}) of a sweep; RunUnknown if it is not there."""
        rows = self._query("SELECT workflow, axes FROM sweeps WHERE id = ?", sweep)
        if not rows:
            raise RunUnknown(f"there is no sweep {sweep[:40]!r}; the history lists those there are")
        return rows[0][0], json.loads(rows[0][1])

    def version(self) -> int:
        """Another number whenever another process has written to the book."""
        return self._database.version()

    def close(self) -> None:
        self._database.close()

    def _add_axes(self, sweep: str, workflow: str, axes: Sequence[Mapping[str, Any]]) -> None:
        self._query("INSERT INTO sweeps VALUES (?, ?, ?, ?)", sweep, workflow, json.dumps(axes), time.time())

    def _query(self, sql: str, *parameters: object) -> list[Any]:
        return self._database.query(sql, *parameters)

    def _entries(self, rest: str, *parameters: object) -> list[Entry]:
        return [_entry(row) for row in self._query(f"SELECT {FIELDS} FROM runs {rest}", *parameters)]


def _packed(document: Document) -> bytes:
    return zlib.compress(json.dumps(dict(document.records), separators=(",", ":")).encode())


def _entry(row: tuple[Any, ...]) -> Entry:
    run, workflow, label, targets, sweep, state, created, began, ended, seconds, forecast, result = row
    wanted = json.loads(targets)
    return Entry(
        run,
        workflow,
        label,
        None if wanted is None else tuple(wanted),
        sweep,
        state,
        created,
        began,
        ended,
        seconds,
        json.loads(forecast),
        json.loads(result),
    )
