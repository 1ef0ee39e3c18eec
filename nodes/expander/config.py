"""The expander's sizes. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

from nodes.text_encoder.vocabulary import words


@dataclass(frozen=True)
class ExpanderConfig:
    """width: of a word's vector, a multiple of 24. readers, writers: layers that read the prompt, that write.

    The words travel with the weights, so that a number always means the same word.
    """

    width: int = 96
    readers: int = 2
    writers: int = 2
    words: tuple[str, ...] = words()
