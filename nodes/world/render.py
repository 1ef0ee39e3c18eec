"""Draw scenes: any height, width and number of frames, anti-aliased by signed distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from nodes.world.backgrounds import PAINTERS
from nodes.world.motions import Pose, camera, pose
from nodes.world.scene import COLOURS, FRAMES_PER_SECOND, Scene, Thing
from nodes.world.shapes import DISTANCES

# What is drawn first lies behind what is drawn after.
_DEPTH = {"behind": 0, "front": 2}


def render(scenes: Sequence[Scene], height: int, width: int, frames: int, *, start: int | Sequence[int] = 0) -> Tensor:
    """Frames `start` to `start + frames` of each scene: (b 3 t h w) in [-1, 1], float32.

    `start` may differ by scene. A scene's journey lasts `scene.duration` seconds at 8 frames a second.
    """
    starts = [start] * len(scenes) if isinstance(start, int) else list(start)
    return torch.stack([_draw(scene, height, width, frames, at) for scene, at in zip(scenes, starts, strict=True)])


def cover(scenes: Sequence[Scene], height: int, width: int, frames: int, *, start: int | Sequence[int] = 0) -> Tensor:
    """How much of each pixel things cover, and the three pixels around them, softly: (b 1 t h w) in [0, 1]."""
    starts = [start] * len(scenes) if isinstance(start, int) else list(start)
    covers = []
    for scene, at in zip(scenes, starts, strict=True):
        view = _look(scene, height, width, frames, at)
        clear = torch.ones(frames, height, width)
        for thing in scene.things:
            distance = _distance(thing, _pose(thing, view, scene.duration), view.x, view.y)
            clear = clear * (distance / (3 * view.pixel)).clamp(0, 1)
        covers.append(1 - clear)
    return rearrange(torch.stack(covers), "b t h w -> b 1 t h w")


class View(NamedTuple):
    """What the camera sees of the world's plane at each moment. Lengths are in halves of the frame's short side."""

    x: Tensor
    y: Tensor
    """Of each pixel, from the centre of the scene: (t h w), t is 1 for a fixed camera; y points down."""
    times: Tensor
    """(t 1 1), in seconds."""
    half_width: float
    half_height: float
    pixel: float
    """The side of a pixel."""


def _look(scene: Scene, height: int, width: int, frames: int, start: int) -> View:
    short = min(height, width)
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5 - height / 2) * 2 / short,
        (torch.arange(width) + 0.5 - width / 2) * 2 / short,
        indexing="ij",
    )
    x, y = rearrange(x, "h w -> 1 h w"), rearrange(y, "h w -> 1 h w")
    times = (start + torch.arange(frames)) / FRAMES_PER_SECOND
    if scene.camera != "fixed":
        right, size = (rearrange(value, "t -> t 1 1") for value in camera(scene.camera, times, scene.duration))
        x, y = x * size + right, y * size
    return View(x, y, rearrange(times, "t -> t 1 1"), width / short, height / short, 2 / short)


def _pose(thing: Thing, view: View, duration: float) -> Pose:
    """The thing's pose, every field (t 1 1)."""
    where = pose(thing, view.times[:, 0, 0], duration, view.half_width, view.half_height)
    return Pose(*(rearrange(value, "t -> t 1 1") for value in where))


def _draw(scene: Scene, height: int, width: int, frames: int, start: int) -> Tensor:
    """One scene: (3 t h w) in [-1, 1]."""
    view = _look(scene, height, width, frames, start)
    behind = -view.x if scene.mirrored else view.x
    picture = PAINTERS[scene.background](behind, view.y, view.times, scene.variant)
    for thing in sorted(scene.things, key=lambda thing: _DEPTH.get(thing.lane, 1)):
        at = _pose(thing, view, scene.duration)
        picture = _place(picture, thing, at, view, shaded=scene.background != "black", from_right=scene.mirrored)
    return picture.expand(3, frames, height, width).clamp(0, 1) * 2 - 1


def _place(picture: Tensor, thing: Thing, at: Pose, view: View, *, shaded: bool, from_right: bool) -> Tensor:
    """Draw one thing over the picture (3 t h w): a soft shadow, then a lit body with a dark rim."""
    pixel, side = view.pixel, -1 if from_right else 1
    base = rearrange(torch.tensor(COLOURS[thing.colour]), "c -> c 1 1 1")

    if shaded:
        shadow = _distance(thing, at, view.x - side * 0.05, view.y - 0.10) / pixel
        picture = picture * (1 - 0.30 * torch.sigmoid(-0.6 * shadow))

    distance = _distance(thing, at, view.x, view.y)
    across, down = (view.x - at.x) / at.radius, (view.y - at.y) / at.radius
    body = base * (1 - 0.6 * _pattern(thing, at, across, down, pixel)) if thing.pattern != "plain" else base
    body = body * (1.0 - 0.13 * (side * across + down)).clamp(0.75, 1.25)
    gloss = torch.exp(-((across + side * 0.35) ** 2 + (down + 0.40) ** 2) / 0.09)
    body = body + (0.55 if thing.shape == "circle" else 0.2) * gloss * (1 - body).clamp(min=0)
    if thing.motion == "spin" and thing.shape in ("circle", "ring"):
        body = body + (1.0 - 0.25 * base - body) * _band(at, across, down, pixel)  # a round thing's turn must show
    rim = _cover(-distance - (0.10 * at.radius + 0.5 * pixel), pixel)
    body = body + (0.38 * base - body) * 0.85 * rim
    return picture + (body - picture) * _cover(distance, pixel)


def _pattern(thing: Thing, at: Pose, across: Tensor, down: Tensor, pixel: float) -> Tensor:
    """1 on a dark stripe or dot, which turn and grow with the thing, 0 beside it: (t h w)."""
    along = across * torch.cos(at.turn) + down * torch.sin(at.turn)
    aside = down * torch.cos(at.turn) - across * torch.sin(at.turn)
    if thing.pattern == "striped":
        return _cover(((torch.remainder(along + 0.6 * aside + 0.2, 0.8) - 0.4).abs() - 0.18) * at.radius, pixel)
    u, v = (torch.remainder(value, 0.68) - 0.34 for value in (along + 0.34, aside + 0.34))
    return _cover((torch.hypot(u, v) - 0.2) * at.radius, pixel)


def _band(at: Pose, across: Tensor, down: Tensor, pixel: float) -> Tensor:
    """A stripe from the centre to one side that turns with the thing."""
    along = across * torch.cos(at.turn) + down * torch.sin(at.turn)
    aside = down * torch.cos(at.turn) - across * torch.sin(at.turn)
    return _cover((aside.abs() - 0.22) * at.radius, pixel) * _cover(-along * at.radius, pixel) * 0.9


def _distance(thing: Thing, at: Pose, x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to the thing's edge (t h w), in halves of the frame's short side."""
    dx, dy = (x - at.x) / at.radius, (y - at.y) / at.radius
    wide = torch.rsqrt(at.squash)
    dx, dy = dx / wide, dy / (wide * at.squash)
    cos, sin = torch.cos(at.turn), torch.sin(at.turn)
    return DISTANCES[thing.shape](dx * cos + dy * sin, dy * cos - dx * sin) * at.radius


def _cover(distance: Tensor, pixel: float) -> Tensor:
    """The share of a pixel inside the edge."""
    return (0.5 - distance / pixel).clamp(0, 1)
