"""The tasks that wait in a worker, for the threads that do them."""

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

LANES = 2
# Beyond so many in a row hardly any time is won, and each has to wait for all others.
PARTY = 8
Task = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """alone: what the task needs to have for itself, if anything, or (party) together with those of one party."""

    task: Task
    alone: str | None
    party: str | None


class Lanes:
    """Tasks come out in order, but only one at a time, or one party, of those that need the same thing alone.

    So a light node goes beside a heavy one, and two heavy ones never share the device's memory, unless they compute as
    one.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Waiting] = []
        self._holders: defaultdict[str | None, list[Waiting]] = defaultdict(list)

    def put(self, task: Task, alone: str | None, party: str | None = None) -> None:
        """Have a task done; see `Waiting`."""
        with self._changed:
            self._waiting.append(Waiting(task, alone, party))
            self._changed.notify_all()

    def take(self) -> Task:
        """Wait for a task that can be done now; what it needs is its own until it is given back."""
        return self._take(joining=False)

    def join(self) -> Task:
        """Wait for a task that can be done now with the others of its party, which are at work."""
        return self._take(joining=True)

    def party(self, task: Task) -> str | None:
        """The party of a task that was taken, and not given back."""
        with self._changed:
            held = (one for holders in self._holders.values() for one in holders)
            return next((one.party for one in held if one.task is task), None)

    def give_back(self, task: Task) -> None:
        """What a task had for itself is free; no harm if it was before."""
        with self._changed:
            for holders in self._holders.values():
                holders[:] = [one for one in holders if one.task is not task]
            self._changed.notify_all()

    def _take(self, joining: bool) -> Task:
        with self._changed:
            while (one := self._next(joining)) is None:
                self._changed.wait()
            self._waiting.remove(one)
            if one.alone:
                self._holders[one.alone].append(one)
            return one.task

    def _next(self, joining: bool) -> Waiting | None:
        """The first task that can be done, or join; none joins past another that waits for the same."""
        passed = set()
        for one in self._waiting:
            holders = self._holders[one.alone]
            same = bool(holders) and one.party is not None and one.party == holders[0].party
            if same and len(holders) < PARTY and one.alone not in passed if joining else not holders:
                return one
            passed.add(one.alone)
        return None
