"""Tensor names in two layouts: a family's original one, and diffusers'. No torch here."""

from dataclasses import dataclass

_HELD = "\0"


@dataclass(frozen=True, slots=True)
class Names:
    """pairs: (original, diffusers') parts of a name between dots, replaced in order. swapped: two that trade places."""

    pairs: tuple[tuple[str, str], ...]
    swapped: tuple[str, str] | None = None

    def ours(self, name: str) -> str:
        """The diffusers name of an original one; other names stay as they are."""
        return _replaced(_exchanged(name, self.swapped), self.pairs)

    def theirs(self, name: str) -> str:
        """The original name of a diffusers one."""
        back = tuple((ours, theirs) for theirs, ours in reversed(self.pairs))
        return _exchanged(_replaced(name, back), self.swapped)


def _replaced(name: str, pairs: tuple[tuple[str, str], ...]) -> str:
    dotted = f".{name}."
    for old, new in pairs:
        dotted = dotted.replace(f".{old}.", f".{new}.")
    return dotted[1:-1]


def _exchanged(name: str, both: tuple[str, str] | None) -> str:
    if both is None:
        return name
    one, other = both
    return _replaced(name, ((one, _HELD), (other, one), (_HELD, other)))
