"""The captioner's sizes. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

from nodes.writer.words import vocabulary


@dataclass(frozen=True)
class CaptionerConfig:
    """It looks at patches of 2 x 2 latent places, each a token, through convolutions of `look` channels.

    width: of a token, a multiple of 24. readers, writers: layers that read the latent, that write. frames: latent
    frames that it reads at most. The words travel with the weights, so that a number always means the same word.
    """

    latent_channels: int = 8
    look: int = 64
    width: int = 144
    readers: int = 4
    writers: int = 2
    frames: int = 5
    words: tuple[str, ...] = vocabulary()
