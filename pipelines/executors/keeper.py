"""Brings results to disk while the next nodes compute: all that are waiting, at the cost of one."""

import threading
from collections.abc import Callable

from assets.store import Made, Store

Answer = Callable[[Exception | None], None]
PENDING_BYTES = 1024**3


class Keeper:
    """A thread that keeps results in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._waiting: list[tuple[Made, Answer]] = []
        self._pending = 0
        threading.Thread(target=self._work, daemon=True).start()

    def keep(self, made: Made, answer: Answer) -> None:
        """Have a result kept, then `answer` called with None or with why it couldn't be.

        Waits while more is pending than the memory is to hold.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._pending < PENDING_BYTES)
            self._waiting.append((made, answer))
            self._pending += size(made)
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                batch, self._waiting = self._waiting, []
            trouble = self._keep([made for made, _ in batch])
            for made, answer in batch:
                # Where the disk has no room for all of them it may have some for this one.
                answer(trouble and self._keep([made]))
            with self._changed:
                self._pending -= sum(size(made) for made, _ in batch)
                self._changed.notify_all()

    def _keep(self, batch: list[Made]) -> Exception | None:
        try:
            self._store.keep(batch)
        except Exception as error:
            return error
        return None


def size(made: Made) -> int:
    return sum(len(blob.data) for blob in made.outputs.values())
