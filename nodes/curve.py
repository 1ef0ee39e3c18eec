"""Curves: a value over a way from 0 to 1, such as a strength over the time of a clip. No torch here.

Written as points in order, "0:0 0.5:1 1:0.2"; before the first and after the last the value stays. Straight between
them, or with "smooth" in front by monotone cubics, which pass every point and never beyond it (Fritsch and Carlson,
"Monotone Piecewise Cubic Interpolation", 1980; slopes at the points as in Fritsch and Butland 1984).
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

AT_MOST = 32
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Points:
    """xs rise from 0 at the least to 1 at the most."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    smooth: bool

    def at(self, x: float) -> float:
        """The value at a place between 0 and 1."""
        if x <= self.xs[0] or len(self.xs) == 1:
            return self.ys[0]
        if x >= self.xs[-1]:
            return self.ys[-1]
        left = bisect_right(self.xs, x) - 1
        width, rise = self.xs[left + 1] - self.xs[left], self.ys[left + 1] - self.ys[left]
        part = (x - self.xs[left]) / width
        if not self.smooth:
            return self.ys[left] + part * rise
        slopes = self.slopes()
        # Hermite's cubic, by what it differs from the straight line.
        begins, ends = width * slopes[left] - rise, rise - width * slopes[left + 1]
        return self.ys[left] + part * rise + part * (1 - part) * (begins * (1 - part) + ends * part)

    def slopes(self) -> list[float]:
        """dy/dx at each point: the harmonic mean of those beside it, 0 at a summit; at the ends the one there is."""
        pairs = list(zip(self.xs, self.ys, strict=True))
        secants = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairwise(pairs)]
        inner = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in pairwise(secants)]
        return [secants[0], *inner, secants[-1]]


def read(text: str, lo: float, hi: float) -> Points:
    """The curve that a text holds; ValueError says what is wrong with it."""
    words = text.split()
    smooth = words[:1] == ["smooth"]
    words = words[smooth:]
    if not 1 <= len(words) <= AT_MOST:
        raise ValueError(f"got {len(words)} points; a curve needs 1 to {AT_MOST}, like 0:0 0.5:1 1:0")
    pairs = [_pair(word) for word in words]
    xs, ys = tuple(x for x, _ in pairs), tuple(y for _, y in pairs)
    if xs[0] < 0 or xs[-1] > 1 or any(left >= right for left, right in pairwise(xs)):
        raise ValueError(f"got points at {', '.join(f'{x:g}' for x in xs)}; they need to rise from 0 to 1, each once")
    for x, y in pairs:
        if not lo <= y <= hi:
            raise ValueError(f"got {y:g} at {x:g}; a value needs to be from {lo:g} to {hi:g}")
    return Points(xs, ys, smooth)


def written(points: Points) -> str:
    """The text that `read` reads."""
    pairs = " ".join(f"{x:g}:{y:g}" for x, y in zip(points.xs, points.ys, strict=True))
    return f"smooth {pairs}" if points.smooth else pairs


def _pair(word: str) -> tuple[float, float]:
    x, colon, y = word.partition(":")
    try:
        pair = (round(float(x), DIGITS) + 0.0, round(float(y), DIGITS) + 0.0)
    except ValueError:
        pair = (math.nan, math.nan)
    if not colon or not all(map(math.isfinite, pair)):
        raise ValueError(f"got {word[:40]!r}; a point needs a place and a value, like 0.5:1")
    return pair
