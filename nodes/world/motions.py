"""Where a thing is at each moment: its path, its scale and its turn; and where the camera looks."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from nodes.world.scene import SIZES, Thing

_MARGIN = 0.06
_ORBIT_SECONDS = 2.4
_BOUNCE_SECONDS, _BOUNCE_HEIGHT = 1.75, 0.75  # at most 7 of 64 pixels a frame, where it meets the ground
_LANE_CENTRE = {"left": (-0.5, 0.0), "right": (0.5, 0.0), "top": (0.0, -0.5), "bottom": (0.0, 0.5)}
_PAN, _ZOOM = 0.35, (1.15, 0.75)


class Pose(NamedTuple):
    """A thing's state over the time; every field has shape (t,). Lengths are in halves of the frame's short side."""

    x: Tensor
    y: Tensor
    radius: Tensor
    turn: Tensor
    squash: Tensor
    """Height divided by width: below one where a bouncing thing meets the ground."""


def pose(thing: Thing, times: Tensor, duration: float, half_width: float, half_height: float) -> Pose:
    """The pose of `thing` at `times` (t,), in seconds. Cycles run by the clock, journeys over the clip's duration."""
    progress = (times / duration).clamp(0, 1)
    still = torch.zeros_like(times)
    radius = still + SIZES[thing.size]
    if thing.motion in ("grow", "shrink"):
        share = progress if thing.motion == "grow" else 1 - progress
        radius = (SIZES[thing.size] * (0.4 + 1.1 * share)).clamp(max=0.86 if thing.lane == "whole" else 0.44)

    room_x, room_y, centre_x, centre_y = _room(thing, float(radius.max()), half_width, half_height)
    x, y = still + centre_x + 0.7 * room_x * thing.x, still + centre_y + 0.7 * room_y * thing.y
    turn, squash = still, still + 1

    match thing.motion:
        case "right" | "left":
            x = centre_x + (2 * progress - 1) * (room_x if thing.motion == "right" else -room_x)
        case "down" | "up":
            y = centre_y + (2 * progress - 1) * (room_y if thing.motion == "down" else -room_y)
        case "bounce":
            share = torch.remainder(times / _BOUNCE_SECONDS + thing.phase, 1.0)
            leap = 4 * share * (1 - share)
            y = centre_y + room_y - min(2 * room_y, _BOUNCE_HEIGHT) * leap
            squash = 1 - 0.18 * torch.exp(-12 * leap)
            y = y + radius * (1 - squash)
        case "orbit":
            angle = 2 * math.pi * (times / _ORBIT_SECONDS + thing.phase) * (1 if thing.clockwise else -1)
            reach = min(0.5, max(0.3, min(half_width, half_height) - float(radius.max()) - _MARGIN))
            x, y = centre_x + reach * torch.cos(angle), centre_y + reach * torch.sin(angle)
        case "spin":
            turn = 2 * math.pi * (0.45 * times + thing.phase) * (1 if thing.clockwise else -1)
        case "fall":
            drop = (progress / 0.65) ** 2
            after = ((progress - 0.65) / 0.25).clamp(0, 1)
            y = centre_y - room_y + 2 * room_y * (drop.clamp(max=1) - 0.10 * 4 * after * (1 - after))
    return Pose(x, y, radius, turn, squash)


def camera(move: str, times: Tensor, duration: float) -> tuple[Tensor, Tensor]:
    """How far the view has moved to the right and how large it is, of 1, at `times` (t,): two times (t,)."""
    progress = (times / duration).clamp(0, 1)
    still = torch.zeros_like(times)
    match move:
        case "pan right" | "pan left":
            return (2 * progress - 1) * (_PAN if move == "pan right" else -_PAN), still + 1
        case "zoom in" | "zoom out":
            share = progress if move == "zoom in" else 1 - progress
            return still, _ZOOM[0] + (_ZOOM[1] - _ZOOM[0]) * share
    return still, still + 1


def _room(thing: Thing, radius: float, half_width: float, half_height: float) -> tuple[float, float, float, float]:
    """How far the centre may go from the middle of the lane in x and y, and that middle."""
    along_x, along_y = _LANE_CENTRE.get(thing.lane, (0.0, 0.0))
    reach_x = half_width * (0.5 if along_x else 1.0) - radius - _MARGIN
    reach_y = half_height * (0.5 if along_y else 1.0) - radius - _MARGIN
    return max(reach_x, 0.0), max(reach_y, 0.0), along_x * half_width, along_y * half_height
