"""The writer's words and marks, by number. No torch here."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from nodes.world import captions

Detail = Literal["short", "descriptive"]

PADDING, END = 0, 1
# The first token of every text: what kind of text it is to be.
BEGIN: dict[Detail, int] = {"short": 2, "descriptive": 3}
MARKS = 4
MAX_WORDS = 80


@cache
def vocabulary() -> tuple[str, ...]:
    """Word number n is at n - MARKS."""
    return tuple(captions.words())


@cache
def _numbers() -> dict[str, int]:
    return {word: number for number, word in enumerate(vocabulary(), start=MARKS)}


def number(word: str) -> int:
    return _numbers()[word]


def size() -> int:
    return MARKS + len(vocabulary())


def numbers(text: str, detail: Detail) -> list[int]:
    """A text of the grammar as the writer is to write it: mark of its kind, words, end."""
    known = _numbers()
    return [BEGIN[detail], *(known[word] for word in re.findall(r"[a-z]+|\.", text)), END]


def sentence(numbers: list[int]) -> str:
    """The text of what was written, up to its end; marks are left out."""
    whole = numbers[: numbers.index(END)] if END in numbers else numbers
    words = (vocabulary()[number - MARKS] for number in whole if number >= MARKS)
    return " ".join(words).replace(" .", ".")
