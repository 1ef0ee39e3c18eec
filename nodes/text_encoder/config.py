"""The text encoder's sizes. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

from nodes.text_encoder.vocabulary import MAX_TOKENS, words


@dataclass(frozen=True)
class TextEncoderConfig:
    """The words travel with the weights, so that a number always means the word that it was trained as."""

    width: int = 192
    depth: int = 3
    heads: int = 6
    max_tokens: int = MAX_TOKENS
    words: tuple[str, ...] = words()
