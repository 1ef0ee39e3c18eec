"""What stays in a worker between nodes: models by their weights' digest, and the values of late."""

import importlib
from collections import OrderedDict
from dataclasses import fields, replace
from typing import Any

from assets.values import ModelHandle, Value

VALUE_BYTES = 1024**3


class Models:
    """Loaded modules on one device."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._loaded: dict[ModelHandle, Any] = {}

    def get(self, handle: ModelHandle) -> Any:
        """The module of a handle, loaded where it is not; the loader's sentence if its weights cannot be read."""
        name = replace(handle, path="")
        if name not in self._loaded:
            loaders = importlib.import_module("nodes.models")
            self._loaded[name] = loaders.load(handle, self._device)
        return self._loaded[name]


class RecentValues:
    """Values by digest, the least recently used dropped, so that a chain of nodes does not read back what it wrote."""

    def __init__(self, budget: int = VALUE_BYTES) -> None:
        self._budget = budget
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._bytes = 0

    def get(self, digest: str) -> Value | None:
        if digest in self._values:
            self._values.move_to_end(digest)
        return self._values.get(digest)

    def put(self, digest: str, value: Value) -> None:
        self._bytes += _bytes(value)
        if digest in self._values:
            self._bytes -= _bytes(self._values.pop(digest))
        self._values[digest] = value
        while self._bytes > self._budget and self._values:
            _, dropped = self._values.popitem(last=False)
            self._bytes -= _bytes(dropped)


def _bytes(value: Value) -> int:
    return sum(getattr(getattr(value, field.name), "nbytes", 0) for field in fields(value))
