"""The video VAE's sizes. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

LATENT_SPACE = "patchloom-v2"
# Latent frames that go through a VAE at a time: a few keep the memory small and the steps for progress frequent.
CHUNK = 4


@dataclass(frozen=True)
class VideoVAEConfig:
    """A latent frame stands for `time_factor` frames (the first for one), a latent place for 8 x 8 pixels.

    Widths and numbers of blocks go from the finest to the coarsest level: 1/2, 1/4 and 1/8 of the frame for the
    decoder, 1/4 and 1/8 for the encoder.
    """

    latent_channels: int = 8
    encoder_widths: tuple[int, int] = (64, 128)
    encoder_blocks: tuple[int, int] = (1, 3)
    decoder_widths: tuple[int, int, int] = (64, 96, 160)
    decoder_blocks: tuple[int, int, int] = (2, 2, 3)
    time_factor: int = 4
    space_factor: int = 8
