"""Rotary position embedding in three dimensions (Su et al. 2021; split among the axes as in Wan 2.1)."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines, (b 1 n d/2) each."""


def rotation(coords: Tensor, axes: tuple[int, int, int], theta: float) -> Rotation:
    """The rotation of each token by its coordinates (b n 3).

    Channel pair i of an axis with k channels turns by coord * theta^(-2i/k): any real coordinates will do.
    """
    angles = []
    for axis, channels in enumerate(axes):
        pace = theta ** (-torch.arange(0, channels, 2, device=coords.device) / channels)
        angles.append(coords[..., axis : axis + 1] * pace)
    angle = rearrange(torch.cat(angles, dim=-1), "b n k -> b 1 n k")
    return angle.cos(), angle.sin()


def rotate(x: Tensor, by: Rotation) -> Tensor:
    """Turn the channel pairs (i, i + d/2) of x (b heads n d)."""
    cos, sin = (part.to(x.dtype) for part in by)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
