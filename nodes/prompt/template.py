"""Prompt templates: slots, and alternatives for each. No torch here."""

import math
import random
import re
from collections.abc import Mapping

from nodes.api import SpecError

SLOT = re.compile(r"\{([^{}]*)\}")


def fill(template: str, slots: Mapping[str, str], index: int) -> str:
    """Combination number `index` of a template, counted like a clock whose last slot turns fastest; wraps round.

    template: text with slots such as {subject}. A slot that comes twice is filled alike.
    slots: the alternatives of each slot, one a line; blank lines do not count.
    SpecError: a slot that is not known, has no alternatives, or a brace that is left open.
    """
    alternatives = {name: _alternatives(name, slots) for name in dict.fromkeys(SLOT.findall(template))}
    rest = SLOT.sub("", template)
    if "{" in rest or "}" in rest:
        raise SpecError(f"The template {template!r} has a brace without its partner; write slots as {{subject}}.")
    chosen = {}
    for name in reversed(alternatives):
        index, digit = divmod(index, len(alternatives[name]))
        chosen[name] = alternatives[name][digit]
    return " ".join(SLOT.sub(lambda match: chosen[match.group(1)], template).split())


def combinations(template: str, slots: Mapping[str, str]) -> int:
    """How many texts the template gives; errors as in `fill`."""
    return math.prod(len(_alternatives(name, slots)) for name in dict.fromkeys(SLOT.findall(template)))


def drawn(seed: int, count: int) -> int:
    """A number below `count` that depends on the seed alone; over the seeds each number is equally likely."""
    return random.Random(seed).randrange(count)


def _alternatives(name: str, slots: Mapping[str, str]) -> list[str]:
    if name not in slots:
        known = ", ".join(f"{{{slot}}}" for slot in slots)
        raise SpecError(f"The template has the slot {{{name}}}; it knows {known}. Use one of these.")
    lines = [line.strip() for line in slots[name].splitlines() if line.strip()]
    if not lines:
        raise SpecError(
            f"The template has the slot {{{name}}}, which has no alternatives; write one a line, or take the slot out."
        )
    return lines
