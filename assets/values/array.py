"""What numpy arrays and torch tensors have in common, as far as a value needs it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Array(Protocol):
    """A numpy array (server) or a torch tensor (worker) of the same shape."""

    @property
    def shape(self) -> Any: ...

    @property
    def ndim(self) -> int: ...

    @property
    def dtype(self) -> Any: ...

    def __getitem__(self, index: Any, /) -> Any: ...


Arrays = Mapping[str, Array]
"""Arrays by name."""


def expect_shape(name: str, array: Array, axes: str) -> None:
    """Raise ValueError unless `array` has one axis for each word of `axes`."""
    if array.ndim != len(axes.split()):
        raise ValueError(f"{name} has shape {tuple(array.shape)}; it needs the axes ({axes})")
