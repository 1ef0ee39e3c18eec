"""Undo: for each person the edits that they made and those that they took back, as diffs with names.

Only what is meaning or layout gets here; what a run writes, sizes and selection never do.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from pipelines.diff import RecordsDiff, reverse, squash

LONGEST = 500


@dataclass(frozen=True, slots=True)
class Edit:
    """label: what it is called in a menu. group: edits of one group in a row count as one; "" stands alone."""

    label: str
    diff: RecordsDiff
    group: str = ""


@dataclass(slots=True)
class Stacks:
    done: list[Edit] = field(default_factory=list)
    undone: list[Edit] = field(default_factory=list)


class History:
    """The stacks of everybody who edits one document."""

    def __init__(self) -> None:
        self._stacks: defaultdict[str, Stacks] = defaultdict(Stacks)

    def add(self, user: str, edit: Edit) -> None:
        """Remember an edit; what was undone before it cannot be redone any more."""
        stacks = self._stacks[user]
        stacks.undone.clear()
        last = stacks.done[-1] if stacks.done else None
        if last and edit.group and last.group == edit.group:
            stacks.done[-1] = Edit(edit.label, squash([last.diff, edit.diff]), edit.group)
        else:
            stacks.done.append(edit)
        del stacks.done[:-LONGEST]

    def undo(self, user: str) -> RecordsDiff | None:
        """The diff that takes the last edit back; None if there is none."""
        stacks = self._stacks[user]
        if not stacks.done:
            return None
        edit = stacks.done.pop()
        stacks.undone.append(edit)
        return reverse(edit.diff)

    def redo(self, user: str) -> RecordsDiff | None:
        """The diff that makes the last undone edit again; None if there is none."""
        stacks = self._stacks[user]
        if not stacks.undone:
            return None
        edit = stacks.undone.pop()
        # Closed with a group of its own: what is typed next is another edit.
        stacks.done.append(Edit(edit.label, edit.diff))
        return edit.diff

    def names(self, user: str) -> dict[str, str | None]:
        """What undo and redo would do, for a menu: {"undo": label | None, "redo": label | None}."""
        stacks = self._stacks[user]
        return {
            "undo": stacks.done[-1].label if stacks.done else None,
            "redo": stacks.undone[-1].label if stacks.undone else None,
        }
