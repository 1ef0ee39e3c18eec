"""Where tiles lie along a side, and how they are blended. No torch here."""

from itertools import pairwise
from typing import NamedTuple

SMALLEST = 8
"""Latent cells of a tile's side: fewer see too little around them."""
OVERLAP = 4
"""One cell in so many of a tile, at the least, is shared with the next."""


class Span(NamedTuple):
    """Cells start .. stop - 1 of a side. before, after: how many of them the neighbours have too."""

    start: int
    stop: int
    before: int
    after: int


def spans(length: int, side: int) -> list[Span]:
    """Tiles of `side` cells over a side of `length`, evenly laid."""
    if side >= length:
        return [Span(0, length, 0, 0)]
    steps = -(-(length - side) // (side - side // OVERLAP))
    starts = [round(step * (length - side) / steps) for step in range(steps + 1)]
    shared = [0, *(one + side - other for one, other in pairwise(starts)), 0]
    return [Span(start, start + side, *shared[i : i + 2]) for i, start in enumerate(starts)]


def weights(span: Span, scale: int) -> list[float]:
    """The share of a tile in each of its places, `scale` of them a cell; those of neighbours add up to 1.

    A line from 0 to 1 in the middle of what is shared, over a quarter of the tile at most: beyond it a tile is too near
    its edge to be of use.
    """
    places = (span.stop - span.start) * scale

    def share(place: int, shared: int) -> float:
        ramp = min(shared, places // OVERLAP)
        return min(1.0, max(0.0, (place + 0.5 - (shared - ramp) / 2) / ramp)) if shared else 1.0

    return [
        share(place, span.before * scale) * share(places - 1 - place, span.after * scale) for place in range(places)
    ]
