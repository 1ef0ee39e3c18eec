"""Draw scenes: any height, width and number of frames, anti-aliased by signed distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor

from nodes.world.backgrounds import PAINTERS
from nodes.world.motions import Pose, pose
from nodes.world.scene import COLOURS, FRAMES_PER_SECOND, Scene, Thing
from nodes.world.shapes import DISTANCES


def render(scenes: Sequence[Scene], height: int, width: int, frames: int, *, start: int | Sequence[int] = 0) -> Tensor:
    """Frames `start` to `start + frames` of each scene: (b 3 t h w) in [-1, 1], float32.

    `start` may differ by scene. A scene's journey lasts `scene.duration` seconds at 8 frames a second.
    """
    starts = [start] * len(scenes) if isinstance(start, int) else list(start)
    return torch.stack([_draw(scene, height, width, frames, at) for scene, at in zip(scenes, starts, strict=True)])


def cover(scenes: Sequence[Scene], height: int, width: int, frames: int, *, start: int | Sequence[int] = 0) -> Tensor:
    """How much of each pixel things cover, and the three pixels around them, softly: (b 1 t h w) in [0, 1]."""
    starts = [start] * len(scenes) if isinstance(start, int) else list(start)
    x, y = _grid(height, width)
    short, covers = min(height, width), []
    for scene, at in zip(scenes, starts, strict=True):
        times = (at + torch.arange(frames)) / FRAMES_PER_SECOND
        clear = torch.ones(frames, height, width)
        for thing in scene.things:
            where = pose(thing, times, scene.duration, width / short, height / short)
            column = Pose(*(rearrange(value, "t -> t 1 1") for value in where))
            clear = clear * (_distance(thing, column, x, y) * short / 6).clamp(0, 1)
        covers.append(1 - clear)
    return rearrange(torch.stack(covers), "b t h w -> b 1 t h w")


def _draw(scene: Scene, height: int, width: int, frames: int, start: int) -> Tensor:
    """One scene: (3 t h w) in [-1, 1]."""
    x, y = _grid(height, width)
    times = (start + torch.arange(frames)) / FRAMES_PER_SECOND
    short = min(height, width)

    behind = -x if scene.mirrored else x
    picture = PAINTERS[scene.background](behind, y, rearrange(times, "t -> t 1 1"), scene.variant)
    for thing in scene.things:
        at = pose(thing, times, scene.duration, width / short, height / short)
        picture = _place(picture, thing, at, x, y, pixel=2 / short, shaded=scene.background != "black")
    return picture.expand(3, frames, height, width).clamp(0, 1) * 2 - 1


def _grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """x and y of the pixels, (1 h w) each, from the centre in halves of the short side; y points down."""
    short = min(height, width)
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5 - height / 2) * 2 / short,
        (torch.arange(width) + 0.5 - width / 2) * 2 / short,
        indexing="ij",
    )
    return rearrange(x, "h w -> 1 h w"), rearrange(y, "h w -> 1 h w")


def _place(picture: Tensor, thing: Thing, at: Pose, x: Tensor, y: Tensor, *, pixel: float, shaded: bool) -> Tensor:
    """Draw one thing over the picture (3 t h w): a soft shadow, then a lit body with a dark rim."""
    column = Pose(*(rearrange(value, "t -> t 1 1") for value in at))
    base = rearrange(torch.tensor(COLOURS[thing.colour]), "c -> c 1 1 1")

    if shaded:
        shadow = _distance(thing, column, x - 0.05, y - 0.10) / pixel
        picture = picture * (1 - 0.30 * torch.sigmoid(-0.6 * shadow))

    distance = _distance(thing, column, x, y)
    across, down = (x - column.x) / column.radius, (y - column.y) / column.radius
    light = (1.0 - 0.13 * (across + down)).clamp(0.75, 1.25)
    body = base * light
    gloss = torch.exp(-((across + 0.35) ** 2 + (down + 0.40) ** 2) / 0.09)
    body = body + (0.55 if thing.shape == "circle" else 0.2) * gloss * (1 - body).clamp(min=0)
    if thing.motion == "spin" and thing.shape in ("circle", "ring"):
        body = body + (1.0 - 0.25 * base - body) * _band(column, across, down, pixel)  # a round thing's turn must show
    rim = _cover(-distance - (0.10 * column.radius + 0.5 * pixel), pixel)
    body = body + (0.38 * base - body) * 0.85 * rim
    return picture + (body - picture) * _cover(distance, pixel)


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
