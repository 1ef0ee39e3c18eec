"""Undo: for each person the edits that they made and those that they took back, as diffs with names.

Only what is meaning or layout gets here; what a run writes, sizes and selection never do.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.diff import RecordsDiff, reverse, squash

LONGEST = 500


@dataclass(frozen=True, slots=True)
class Edit:
    """label: what it is called in a menu. group: edits of one group in a row count as one; "" stands alone."""

    label: str
    diff: RecordsDiff
    group: str = ""


@dataclass(slots=True)
class Line:
    """One person's edits, the oldest first; the first `done` of them are made, the rest taken back.

    first: how many older ones were dropped. kept: how many of all are on disk as they are here (app.editor.undo_log).
    """

    edits: list[Edit] = field(default_factory=list)
    done: int = 0
    first: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Unkept:
    """What the disk lacks of a person's line. Edits count from their first ever: `edits` go from `start` on, in place
    of what was there, those before `first` are dropped, and the first `done` are made."""

    user: str
    start: int
    edits: tuple[Edit, ...]
    first: int
    done: int


class History:
    """The edits of everybody who edits one document. lines: as they were kept."""

    def __init__(self, lines: Mapping[str, Line] | None = None) -> None:
        self._lines = defaultdict(Line, lines or {})
        self._changed: set[str] = set()

    def add(self, user: str, edit: Edit) -> None:
        """Remember an edit; what was undone before it cannot be redone any more."""
        line = self._touch(user)
        del line.edits[line.done :]
        last = line.edits[-1] if line.edits else None
        if last and edit.group and last.group == edit.group:
            line.edits[-1] = Edit(edit.label, squash([last.diff, edit.diff]), edit.group)
        else:
            line.edits.append(edit)
        line.kept = min(line.kept, line.first + len(line.edits) - 1)
        dropped = max(0, len(line.edits) - LONGEST)
        del line.edits[:dropped]
        line.first += dropped
        line.done = len(line.edits)

    def undo(self, user: str) -> RecordsDiff | None:
        """The diff that takes the last edit back; None if there is none."""
        if not self._lines[user].done:
            return None
        line = self._touch(user)
        line.done -= 1
        return reverse(line.edits[line.done].diff)

    def redo(self, user: str) -> RecordsDiff | None:
        """The diff that makes the last undone edit again; None if there is none."""
        line = self._lines[user]
        if line.done == len(line.edits):
            return None
        self._touch(user)
        edit = line.edits[line.done]
        # Closed with a group of its own: what is typed next is another edit.
        line.edits[line.done] = Edit(edit.label, edit.diff)
        line.done += 1
        return edit.diff

    def names(self, user: str) -> dict[str, str | None]:
        """What undo and redo would do, for a menu: {"undo": label | None, "redo": label | None}."""
        line = self._lines[user]
        return {
            "undo": line.edits[line.done - 1].label if line.done else None,
            "redo": line.edits[line.done].label if line.done < len(line.edits) else None,
        }

    def labels(self, user: str) -> dict[str, Any]:
        """What all edits are called, the oldest first, and how many of them are made: {"labels", "done"}."""
        line = self._lines[user]
        return {"labels": [edit.label for edit in line.edits], "done": line.done}

    def take_unkept(self) -> list[Unkept]:
        """What has changed since this was last asked; whoever asks puts it on disk."""
        changes = []
        for user in sorted(self._changed):
            line = self._lines[user]
            start = max(line.kept, line.first)
            edits = tuple(line.edits[start - line.first :])
            changes.append(Unkept(user, start, edits, line.first, line.first + line.done))
            line.kept = line.first + len(line.edits)
        self._changed.clear()
        return changes

    def take_none_as_kept(self) -> None:
        """The disk did not take what it was given: give it everything the next time."""
        for user, line in self._lines.items():
            line.kept = line.first
            self._changed.add(user)

    def _touch(self, user: str) -> Line:
        self._changed.add(user)
        return self._lines[user]
