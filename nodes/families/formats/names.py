"""Tensor names in two layouts: a family's original one, and diffusers'. No torch here."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

_HELD = "\0"
_MARKS = frozenset("{}~@")
_TURNED = re.compile(r"@(\d+)")
_BRACES = re.compile(r"(.*)\{(.*)\}(.*)")
_BLOCK = re.compile(r"(?:^|\.)\w*blocks\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a tensor in a file that are a tensor in diffusers: from start to stop, of a count of equal shares.

    swapped: its first half comes second. turned: the width of attention heads of which each has its rows in pairs, one
    of its first half and one of its second, as llama.cpp keeps them; 0: they are in order.
    """

    name: str
    start: int = 0
    stop: int = 1
    shares: int = 1
    swapped: bool = False
    turned: int = 0

    @property
    def whole(self) -> bool:
        return self.stop - self.start == self.shares and not self.swapped and not self.turned

    def rows(self, count: int) -> list[slice]:
        """Which of so many rows, in order; ValueError where they cannot be shared out evenly."""
        if self.turned and count % self.turned == 0:
            heads = range(0, count, self.turned)
            return [slice(head + half, head + self.turned, 2) for head in heads for half in (0, 1)]
        if self.turned or count % (self.shares * (2 if self.swapped else 1)):
            raise ValueError(f"its {count} rows are not {self.name} and its like")
        first, last = (count * end // self.shares for end in (self.start, self.stop))
        middle = (first + last) // 2
        return [slice(middle, last), slice(first, middle)] if self.swapped else [slice(first, last)]

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of the piece, where the tensor in the file has this one."""
        return (
            shape
            if self.whole
            else (sum(len(range(*rows.indices(shape[0]))) for rows in self.rows(shape[0])), *shape[1:])
        )


@dataclass(frozen=True, slots=True)
class Names:
    """pairs: (original, diffusers') parts of a name between dots, replaced in order. swapped: two that trade places.

    In a part "#" is a number, "^" the name's beginning, "$" the number of the last block. Where a diffusers part ends
    with "~" the halves of the tensor trade places, and with "@128" its rows are those of heads so wide in llama.cpp's
    order; "{a,b,c:4}" are several tensors that the original has in one, in
    equal shares of its rows, c four of them.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    swapped: tuple[str, str] | None = None

    def ending(self, names: Iterable[str]) -> "Names":
        """These names for a model of so many blocks as `names` has."""
        if not any("$" in one for one, _ in self.pairs):
            return self
        last = str(max((int(found[1]) for name in names for found in _BLOCK.finditer(name)), default=0))
        return replace(
            self, pairs=tuple((one.replace("$", last), other.replace("$", last)) for one, other in self.pairs)
        )

    def pieces(self, name: str) -> tuple[Piece, ...]:
        """What an original tensor, or layer, is in diffusers; other names stay as they are."""
        return (Piece(name),) if _MARKS.intersection(name) else tuple(_pieces(self.ours(name)))

    def ours(self, name: str) -> str:
        """The diffusers name of an original one, with the marks of the pairs."""
        return _replaced(_exchanged(name, self.swapped), self.pairs)

    def theirs(self, name: str) -> str:
        """The original name of a diffusers one: of the tensor that it is a piece of."""
        return _exchanged(_replaced(name, _backwards(self.pairs)), self.swapped)


SAME = Names()
"""For files that have diffusers' own names."""


def _pieces(marked: str) -> Iterator[Piece]:
    found = _BRACES.fullmatch(marked)
    if found is None:
        turned = _TURNED.search(marked)
        name = _TURNED.sub("", marked).replace("~", "")
        yield Piece(name, swapped="~" in marked, turned=int(turned[1]) if turned else 0)
        return
    before, inside, after = found.groups()
    parts = [(name, int(count or 1)) for name, _, count in (each.partition(":") for each in inside.split(","))]
    shares, start = sum(count for _, count in parts), 0
    for name, count in parts:
        yield Piece(before + name + after, start, start + count, shares)
        start += count


@cache
def _backwards(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    back = [(piece.name, theirs) for theirs, ours in pairs for piece in _pieces(ours)]
    return tuple(reversed(back))


def _replaced(name: str, pairs: tuple[tuple[str, str], ...]) -> str:
    dotted = f".^.{name}."
    for old, new in pairs:
        if f".{old.partition('#')[0]}" in dotted:
            dotted = re.sub(*_numbered(old, new), dotted) if "#" in old else dotted.replace(f".{old}.", f".{new}.")
    return dotted.removeprefix(".^.").removeprefix(".")[:-1]


@cache
def _numbered(old: str, new: str) -> tuple[re.Pattern[str], str]:
    """A pattern for the part, and what to put for it, with the numbers in order."""
    first, *others = f".{new}.".split("#")
    put = first + "".join(rf"\{number}{part}" for number, part in enumerate(others, start=1))
    return re.compile(re.escape(f".{old}.").replace(r"\#", r"(\d+)")), put


def _exchanged(name: str, both: tuple[str, str] | None) -> str:
    if both is None:
        return name
    one, other = both
    return _replaced(name, ((one, _HELD), (other, one), (_HELD, other)))
