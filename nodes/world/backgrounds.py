"""The world's backgrounds. Each is a function of place, time and variant; nothing in them is drawn at random."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor

Background = Callable[[Tensor, Tensor, Tensor, float], Tensor]
"""(x (t h w), y (t h w), times (t 1 1), variant) -> colour (3 t h w) in [0, 1].

t is 1 in x and y where the camera is fixed, and in the outcome where besides nothing moves. x is alike in all rows, y
in all columns.
"""


def black(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    return _grey(0.05 - 0.02 * (x**2 + y**2).clamp(max=1.5))


def white(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    return _grey(0.98 - 0.035 * (x**2 + y**2).clamp(max=2))


def gray(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    return _grey(0.50 - 0.05 * y)


def night(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    """A deep blue sky, paler towards the ground, with stars that twinkle slowly."""
    sky = _blend(_rgb(0.02, 0.02, 0.12), _rgb(0.14, 0.10, 0.34), _smooth((y + 1) / 2))
    u, v, number = _scattered(26)
    moment = rearrange(times, "t 1 1 -> t 1 1 1")
    twinkle = 0.8 + 0.2 * torch.sin(3 * moment + number)
    light = _glows(x, y, 1.9 * u, v, 0.035 + 0.005 * torch.remainder(7 * number, 5), twinkle)
    return sky + light.clamp(max=1) * _rgb(0.95, 0.93, 0.80)


def sunset(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    """A low sun over dark water, its light a path on the waves."""
    horizon, sun_x = 0.42, 0.6 * (variant - 0.5)
    up = ((horizon - y) / (1 + horizon)).clamp(0, 1)
    sky = _blend(_rgb(1.0, 0.72, 0.30), _rgb(0.93, 0.36, 0.32), _smooth(up * 2.2))
    sky = _blend(sky, _rgb(0.30, 0.16, 0.42), _smooth(up * 1.6 - 0.55))
    away = torch.hypot(x - sun_x, y - horizon)
    sky = _blend(sky, _rgb(1.0, 0.93, 0.62), (0.75 * torch.exp(-((away / 0.5) ** 2))).clamp(0, 1))
    sky = _blend(sky, _rgb(1.0, 0.97, 0.75), _inside(away - 0.24, 0.03))
    water = _blend(_rgb(0.42, 0.16, 0.30), _rgb(0.12, 0.07, 0.22), _smooth((y - horizon) / 0.6))
    path = torch.exp(-(((x - sun_x) / (0.14 + 0.35 * (y - horizon).clamp(min=0))) ** 2))
    water = water + path * (0.7 + 0.3 * torch.sin(28 * y - 5 * times)) * _rgb(0.60, 0.36, 0.10)
    return _blend(sky, water, _inside(horizon - y, 0.02))


def sea(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    """Rows of waves, each row running against the next, under a light sky."""
    colour = _blend(_rgb(0.45, 0.72, 0.94), _rgb(0.82, 0.93, 0.98), _smooth((y + 1) / 0.6)) + 0 * times
    for row in range(5):
        depth = row / 4
        way = 1 if row % 2 else -1
        swell = (3.4 - 1.2 * depth) * x + way * 2.6 * times + 2 * math.pi * variant + 1.7 * row
        crest = -0.42 + 0.36 * row + (0.05 + 0.04 * depth) * torch.sin(swell)
        tone = _blend(_rgb(0.20, 0.58, 0.70), _rgb(0.02, 0.20, 0.42), torch.as_tensor(depth))
        tone = _blend(tone, _rgb(0.86, 0.96, 0.98), 0.75 * torch.exp(-(((y - crest - 0.03) / 0.045) ** 2)))
        colour = _blend(colour, tone, _inside(crest - y, 0.03))
    return colour


def meadow(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    """Two rolling hills and a field of grass under a summer sky, with a cloud and a few flowers."""
    phase = 2 * math.pi * variant
    colour = _blend(_rgb(0.36, 0.66, 0.96), _rgb(0.84, 0.94, 1.0), _smooth((y + 1) / 0.8)) + 0 * x
    for dx, dy, r in ((-0.16, 0.03, 0.13), (0.0, -0.03, 0.17), (0.17, 0.03, 0.12)):
        cloud = torch.hypot(x - 1.2 * (variant - 0.5) - dx, (y + 0.72 - dy) * 1.4) - r
        colour = _blend(colour, _rgb(0.99, 0.99, 1.0), 0.9 * _inside(cloud, 0.06))
    far = -0.12 + 0.10 * torch.sin(1.6 * x + phase)
    colour = _blend(colour, _rgb(0.42, 0.68, 0.36), _inside(far - y, 0.02))
    near = 0.10 + 0.08 * torch.sin(1.3 * x + 2.2 + phase)
    grass = _blend(_rgb(0.46, 0.76, 0.26), _rgb(0.20, 0.50, 0.12), _smooth((y - near) / 1.1))
    blades = torch.sin(13 * x + 3 * torch.sin(4 * y)) * torch.sin(9 * y + 1.5 * x)
    grass = grass + 0.035 * blades * (y - near).clamp(0, 1)
    for i, (u, v) in enumerate(_scatter(12)):
        petal = _inside(torch.hypot(x - 1.8 * u, y - 0.62 - 0.34 * v) - 0.035, 0.025)
        grass = _blend(grass, _rgb(1.0, 0.98, 0.85) if i % 2 else _rgb(1.0, 0.86, 0.30), 0.85 * petal)
    return _blend(colour, grass, _inside(near - y, 0.02))


def snow(x: Tensor, y: Tensor, times: Tensor, variant: float) -> Tensor:
    """Flakes falling through a winter dusk onto white ground."""
    colour = _blend(_rgb(0.34, 0.42, 0.58), _rgb(0.66, 0.72, 0.82), _smooth((y + 1) / 1.6)) + 0 * times
    drift = 0.72 + 0.05 * torch.sin(2.1 * x + 2 * math.pi * variant)
    ground = _blend(_rgb(0.97, 0.98, 1.0), _rgb(0.82, 0.87, 0.95), _smooth((y - drift) / 0.4))
    colour = _blend(colour, ground, _inside(drift - y, 0.03))
    u, v, number = _scattered(24)
    moment = rearrange(times, "t 1 1 -> t 1 1 1")
    fallen = torch.remainder((v + 1) / 2 + 0.22 * moment, 1.0) * 2.3 - 1.15
    sway = 1.9 * u + 0.05 * torch.sin(2 * moment + number)
    light = _glows(x, y, sway, fallen, 0.045 + 0.015 * torch.remainder(number, 3), torch.ones_like(fallen))
    return _blend(colour, _rgb(1.0, 1.0, 1.0), light.clamp(max=1))


PAINTERS: dict[str, Background] = {
    "black": black,
    "white": white,
    "gray": gray,
    "night": night,
    "sunset": sunset,
    "sea": sea,
    "meadow": meadow,
    "snow": snow,
}


def _rgb(red: float, green: float, blue: float) -> Tensor:
    return rearrange(torch.tensor([red, green, blue]), "c -> c 1 1 1")


def _grey(value: Tensor) -> Tensor:
    return value * _rgb(1, 1, 1)


def _blend(under: Tensor, over: Tensor, share: Tensor) -> Tensor:
    return under + (over - under) * share


def _smooth(share: Tensor) -> Tensor:
    share = share.clamp(0, 1)
    return share * share * (3 - 2 * share)


def _inside(distance: Tensor, softness: float) -> Tensor:
    """1 where `distance` is negative, 0 where it is positive, smooth over `softness` on either side."""
    return _smooth(0.5 - distance / (2 * softness))


def _glows(x: Tensor, y: Tensor, at_x: Tensor, at_y: Tensor, radius: Tensor, strength: Tensor) -> Tensor:
    """The sum of n round glows, each (t n 1 1) or broadcast: (t h w). Separable in x and y, so that it costs little."""
    across = strength * torch.exp(-(((x[:, None, :1] - at_x) / radius) ** 2))
    down = torch.exp(-(((y[:, None, :, :1] - at_y) / radius) ** 2))
    return torch.einsum("tnhu,tnuw->thw", down, across)  # a t of 1 stretches to the other's


def _scattered(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """`_scatter` as tensors (1 n 1 1): both coordinates, and each place's number."""
    u, v = torch.tensor(_scatter(count)).unbind(1)
    u, v, number = (rearrange(value, "n -> 1 n 1 1") for value in (u, v, torch.arange(count).float()))
    return u, v, number


def _scatter(count: int) -> list[tuple[float, float]]:
    """`count` places in [-1, 1] squared, spread evenly: the R2 low-discrepancy sequence (Roberts 2018)."""
    return [(2 * ((0.5 + 0.7548776662 * i) % 1) - 1, 2 * ((0.5 + 0.5698402910 * i) % 1) - 1) for i in range(count)]
