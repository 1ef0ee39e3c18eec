"""Seeds that change by themselves: before a run, one that has run is counted up or drawn anew, where that is wanted.

So the first run takes what was typed, and what stands on the node is what made the result below it. What ran is kept
on disk and not in the document: all pages of a workflow, and a server that starts anew, go on from one and the same.
"""

import random
from collections.abc import Mapping, Sequence

from nodes.api import Node
from pipelines.database import Database
from pipelines.diff import RecordsDiff, with_param
from pipelines.document import Document
from pipelines.sweep import LARGEST_SEED, seeds_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS seeds_that_ran (
    workflow TEXT NOT NULL, node TEXT NOT NULL, widget TEXT NOT NULL, seed INTEGER NOT NULL, runs INTEGER NOT NULL,
    PRIMARY KEY (workflow, node, widget)
) WITHOUT ROWID;
"""
Seeds = Mapping[tuple[str, str], int]
"""The seed of each widget, by its node's record and its name."""


class SeedsThatRan:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, workflow: str) -> dict[tuple[str, str], tuple[int, int]]:
        """The first seed of the last runs of each widget, and how many runs those were, each with a seed one higher."""
        rows = self._database.query("SELECT node, widget, seed, runs FROM seeds_that_ran WHERE workflow = ?", workflow)
        return {(node, widget): (seed, runs) for node, widget, seed, runs in rows}

    def ran(self, workflow: str, seeds: Seeds, runs: int) -> None:
        if not seeds:
            return
        with self._database.transaction():
            for (node, widget), seed in seeds.items():
                self._database.query(
                    "INSERT OR REPLACE INTO seeds_that_ran VALUES (?, ?, ?, ?, ?)", workflow, node, widget, seed, runs
                )

    def forget(self, workflow: str) -> None:
        """A new workflow takes that name."""
        self._database.query("DELETE FROM seeds_that_ran WHERE workflow = ?", workflow)


def next_seeds(
    document: Document,
    library: Mapping[str, Node],
    targets: Sequence[str] | None,
    ran: Mapping[tuple[str, str], tuple[int, int]],
) -> Seeds:
    """The seeds that change by themselves, as the next run takes them. targets: as for a run."""
    found = {}
    for node, widget, now in seeds_of(document, library, targets):
        habits = document.records.get(f"layout:{node}", {}).get("seeds")
        habit = habits.get(widget) if isinstance(habits, dict) else None
        if habit not in ("up", "new"):
            continue
        last, runs = ran.get((node, widget), (None, 0))
        after = (now + runs) % LARGEST_SEED if habit == "up" else random.randrange(LARGEST_SEED)
        found[node, widget] = now if last != now else after
    return found


def with_seeds(document: Document, seeds: Seeds) -> RecordsDiff:
    """The edit that sets them; empty where they are so already."""
    made = document
    for (node, widget), seed in seeds.items():
        made = with_param(made, node, widget, seed)
    keys = {f"node:{node}" for node, _ in seeds}
    now, then = document.records, made.records
    return RecordsDiff(updated={key: (now[key], then[key]) for key in keys if now[key] != then[key]})
