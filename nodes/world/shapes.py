"""Signed distances of the world's shapes, each about a unit in radius: negative inside, positive outside.

After Quilez, "2D distance functions" (iquilezles.org). y points down, as in an image.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Distance = Callable[[Tensor, Tensor], Tensor]
"""(x, y), any equal shapes -> distance of that shape."""


def circle(x: Tensor, y: Tensor) -> Tensor:
    return torch.hypot(x, y) - 0.95


def square(x: Tensor, y: Tensor) -> Tensor:
    a, b = x.abs() - 0.80, y.abs() - 0.80
    return torch.hypot(a.clamp(min=0), b.clamp(min=0)) + torch.maximum(a, b).clamp(max=0) - 0.04


def triangle(x: Tensor, y: Tensor) -> Tensor:
    """Equilateral, standing on its base."""
    k, r = math.sqrt(3.0), 0.98
    x, y = x.abs() - r, 0.25 - y + r / k
    flip = x + k * y > 0
    x, y = torch.where(flip, (x - k * y) / 2, x), torch.where(flip, (-k * x - y) / 2, y)
    x = x - x.clamp(-2 * r, 0)
    return -torch.hypot(x, y) * torch.sign(y) - 0.04


def star(x: Tensor, y: Tensor) -> Tensor:
    """Five points, one of them up."""
    r, inner = 1.22, 0.46
    k1x, k1y, k2x, k2y = 0.809016994, -0.587785252, -0.809016994, -0.587785252
    x, y = x.abs(), -y
    dot = (k1x * x + k1y * y).clamp(min=0)
    x, y = x - 2 * dot * k1x, y - 2 * dot * k1y
    dot = (k2x * x + k2y * y).clamp(min=0)
    x, y = (x - 2 * dot * k2x).abs(), y - 2 * dot * k2y - r
    ba_x, ba_y = inner * -k1y, inner * k1x - 1
    h = ((x * ba_x + y * ba_y) / (ba_x**2 + ba_y**2)).clamp(0, r)
    return torch.hypot(x - ba_x * h, y - ba_y * h) * torch.sign(y * ba_x - x * ba_y)


def heart(x: Tensor, y: Tensor) -> Tensor:
    scale = 1.72
    x, y = x.abs() / scale, (0.88 - y) / scale
    lobe = torch.hypot(x - 0.25, y - 0.75) - math.sqrt(2.0) / 4
    along = 0.5 * (x + y).clamp(min=0)
    rest = torch.sqrt(torch.minimum(x**2 + (y - 1.0) ** 2, (x - along) ** 2 + (y - along) ** 2)) * torch.sign(x - y)
    return torch.where(x + y > 1.0, lobe, rest) * scale


def ring(x: Tensor, y: Tensor) -> Tensor:
    return (torch.hypot(x, y) - 0.72).abs() - 0.24


def diamond(x: Tensor, y: Tensor) -> Tensor:
    """A rhombus, taller than wide."""
    a, b = 0.76, 1.16
    x, y = x.abs(), y.abs()
    h = ((a * (a - 2 * x) - b * (b - 2 * y)) / (a * a + b * b)).clamp(-1, 1)
    edge = torch.hypot(x - 0.5 * a * (1 - h), y - 0.5 * b * (1 + h))
    return edge * torch.sign(x * b + y * a - a * b)


DISTANCES: dict[str, Distance] = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "heart": heart,
    "ring": ring,
    "diamond": diamond,
}
