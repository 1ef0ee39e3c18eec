"""The tasks that wait in a worker, for the threads that do them."""

import threading
from typing import Any

LANES = 2
Task = dict[str, Any]


class Lanes:
    """Tasks come out in order, but only one at a time of those that need the same thing alone.

    So a light node goes beside a heavy one, and two heavy ones never share the device's memory.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[Task, str | None]] = []
        self._holders: dict[str, Task] = {}

    def put(self, task: Task, alone: str | None) -> None:
        """alone: what the task needs to have for itself, if anything."""
        with self._changed:
            self._waiting.append((task, alone))
            self._changed.notify()

    def take(self) -> Task:
        """Wait for a task that can be done now; what it needs is its own until it is given back."""
        with self._changed:
            place = self._changed.wait_for(self._next)
            assert place
            task, alone = self._waiting.pop(place - 1)
            if alone:
                self._holders[alone] = task
            return task

    def give_back(self, task: Task) -> None:
        """What a task had for itself is free; no harm if it was before."""
        with self._changed:
            for alone in [alone for alone, holder in self._holders.items() if holder is task]:
                del self._holders[alone]
                self._changed.notify()

    def _next(self) -> int | None:
        """The place, counted from 1, of the first task that can be done."""
        return next((place for place, (_, alone) in enumerate(self._waiting, 1) if alone not in self._holders), None)
