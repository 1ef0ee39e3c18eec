"""Groups within groups: which holds which, and that none holds itself or unfolds into more than can be opened."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

GROUP = "group:"
DEEPEST = 32


class NestingError(ValueError):
    """Groups that cannot be unfolded; the sentence names one."""


def group_of(node_type: str) -> str | None:
    """The name of the group that a node of that type stands for; None for any other node."""
    return node_type.removeprefix(GROUP) if node_type.startswith(GROUP) else None


def inner_first(contents: Mapping[str, Iterable[str]]) -> list[str]:
    """The groups, each after those that it holds; NestingError if one holds itself.

    contents: the types of the nodes in each group.
    """
    held = {
        name: [each for kind in kinds if (each := group_of(kind)) is not None and each in contents]
        for name, kinds in contents.items()
    }
    try:
        return list(TopologicalSorter(held).static_order())
    except CycleError as error:
        loop = " > ".join(reversed(error.args[1]))
        raise NestingError(f"groups: a group would hold itself ({loop}); take one of them out") from None


def require_sound(contents: Mapping[str, list[str]], top: list[str], most: int) -> None:
    """NestingError for a group that holds itself, and for more than `most` nodes or 32 levels when all are unfolded.

    top: the types of the nodes of the workflow itself.
    """
    sizes: dict[str, int] = {}
    depths: dict[str, int] = {}
    for name in inner_first(contents):
        held = [group_of(kind) or "" for kind in contents[name]]
        sizes[name] = sum(sizes.get(each, 1) for each in held)
        depths[name] = 1 + max((depths.get(each, 0) for each in held), default=0)
        if depths[name] > DEEPEST:
            raise NestingError(f"groups.{name}: groups are nested {depths[name]} deep; at most {DEEPEST} are opened")
    count = max([sum(sizes.get(group_of(kind) or "", 1) for kind in top), *sizes.values()])
    if count > most:
        raise NestingError(f"groups: unfolded they have {count} nodes; at most {most} are opened")
