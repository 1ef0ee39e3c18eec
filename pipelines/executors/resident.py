"""The values of late stay in a worker, so that a chain of nodes does not read back what it wrote."""

import threading
from collections import OrderedDict
from dataclasses import fields

from assets.values import Value

VALUE_BYTES = 1024**3


class RecentValues:
    """Values by digest, the least recently used dropped, for all threads. budget: bytes."""

    def __init__(self, budget: int = VALUE_BYTES) -> None:
        self._lock = threading.Lock()
        self._budget = budget
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """What the values take."""
        return self._bytes

    @property
    def budget(self) -> int:
        return self._budget

    def bound(self, budget: int) -> None:
        """Set the budget in bytes, and keep within it from now on."""
        with self._lock:
            self._budget = budget
            self._trim()

    def get(self, digest: str) -> Value | None:
        with self._lock:
            if digest in self._values:
                self._values.move_to_end(digest)
            return self._values.get(digest)

    def put(self, digest: str, value: Value) -> None:
        with self._lock:
            self._bytes += _bytes(value)
            if digest in self._values:
                self._bytes -= _bytes(self._values.pop(digest))
            self._values[digest] = value
            self._trim()

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def _trim(self) -> None:
        while self._bytes > self._budget and self._values:
            _, dropped = self._values.popitem(last=False)
            self._bytes -= _bytes(dropped)


def _bytes(value: Value) -> int:
    return sum(getattr(getattr(value, field.name), "nbytes", 0) for field in fields(value))
