"""What FramePack's DiT is told of the clip around a section: the picture, and what is made, the farther the coarser."""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.families.framepack.sections import Order

NEAR, FARTHER, FARTHEST = 1, 2, 16
"""Latent frames that are told as they are, at half and at a quarter of their size (released models)."""
HISTORY = NEAR + FARTHER + FARTHEST


def around(image: Tensor, history: Tensor, order: Order, section: int, number: int, sections: int) -> dict[str, Tensor]:
    """Latents (c t h w) by their distance, and the times of them and of the section of so many frames.

    image (c 1 h w). history (c HISTORY h w), as the clip goes: of zeros where nothing is made yet. number: how many
    sections are made (Zhang & Agrawala 2025, fig. 2; diffusers' pipeline_hunyuan_video_framepack.py).
    """
    if order == "from the end":
        near, farther, farthest = torch.split(history, [NEAR, FARTHER, FARTHEST], dim=1)
        between = _sections_between(number, sections) * section
        first, _, made, at_near, at_farther, at_farthest = torch.split(
            torch.arange(1 + between + section + HISTORY), [1, between, section, NEAR, FARTHER, FARTHEST]
        )
    else:
        farthest, farther, near = torch.split(history, [FARTHEST, FARTHER, NEAR], dim=1)
        first, at_farthest, at_farther, at_near, made = torch.split(
            torch.arange(1 + HISTORY + section), [1, FARTHEST, FARTHER, NEAR, section]
        )
    return {
        "clean": torch.cat([image, near], dim=1),
        "farther": farther,
        "farthest": farthest,
        "at": made,
        "clean at": torch.cat([first, at_near]),
        "farther at": at_farther,
        "farthest at": at_farthest,
    }


def _sections_between(number: int, sections: int) -> int:
    """How many sections the picture is told to be away; of many not all are counted, as in training."""
    away = [3, *[2] * (sections - 3), 1, 0] if sections > 4 else list(reversed(range(sections)))
    return away[number]
