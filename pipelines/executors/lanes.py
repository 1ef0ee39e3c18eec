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
        lock = threading.Lock()
        # Apart, so that the many that join are not woken by each of the nodes that nobody can join.
        self._free, self._joinable = threading.Condition(lock), threading.Condition(lock)
        self._waiting: list[Waiting] = []
        self._holders: defaultdict[str | None, list[Waiting]] = defaultdict(list)

    def put(self, task: Task, alone: str | None, party: str | None = None) -> None:
        """Have a task done; see `Waiting`."""
        with self._free:
            self._waiting.append(Waiting(task, alone, party))
            self._free.notify()
            self._tell_party(party)

    def take(self) -> Task:
        """Wait for a task that can be done now; what it needs is its own until it is given back."""
        return self._take(joining=False)

    def join(self) -> Task:
        """Wait for a task that can be done now with the others of its party, which are at work."""
        return self._take(joining=True)

    def party(self, task: Task) -> str | None:
        """The party of a task that was taken, and not given back."""
        with self._free:
            held = (one for holders in self._holders.values() for one in holders)
            return next((one.party for one in held if one.task is task), None)

    def give_back(self, task: Task) -> None:
        """What a task had for itself is free; no harm if it was before."""
        with self._free:
            for holders in self._holders.values():
                for one in [one for one in holders if one.task is task]:
                    holders.remove(one)
                    self._free.notify()
                    self._tell_party(one.party)

    def _take(self, joining: bool) -> Task:
        changed = self._joinable if joining else self._free
        with changed:
            while (one := self._next(joining)) is None:
                changed.wait()
            self._waiting.remove(one)
            if one.alone:
                self._holders[one.alone].append(one)
                self._tell_party(one.party)
            return one.task

    def _tell_party(self, party: str | None) -> None:
        """Somebody of a party came, began or left: another may join."""
        if party:
            self._joinable.notify_all()

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
