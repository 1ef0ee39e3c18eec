"""What there is to judge in a scene: each thing, and where and when of a clip to look at it.

The judge sees one thing at a time. Where two keep to their sides of the frame it is shown one side; of a thing that
passes another it is shown the last frames, there where the thing comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from nodes.world.scene import PASSES, Scene, Thing

# The share of a frame's half width that the thing in the middle takes, about, and the frames in which all is out.
_PASSED, _LAST = 0.3, 2


@dataclass(frozen=True)
class Look:
    """What is to be seen of one thing (attribute -> value), and the lane and motion that say where."""

    facts: dict[str, str]
    lane: str
    motion: str

    def at(self, clip: Tensor) -> Tensor:
        """The part of a clip (3 t h w) in which to look."""
        _, frames, height, width = clip.shape
        match self.lane:
            case "left":
                return clip[..., : width // 2]
            case "right":
                return clip[..., width // 2 :]
            case "top":
                return clip[:, :, : height // 2]
            case "bottom":
                return clip[:, :, height // 2 :]
            case "behind" | "front":
                beside = round(width / 2 + _PASSED * min(height, width) / 2)
                side = slice(beside, None) if self.motion == "right" else slice(None, width - beside)
                return clip[:, max(0, frames - _LAST) :, :, side]
        return clip


def looks(scene: Scene, frames: int) -> list[Look]:
    """Every thing of a scene that a clip of so many frames lets be judged, with what is then to be seen of it."""
    return [Look(_facts(scene, thing, frames), thing.lane, thing.motion) for thing in scene.things if _judged(thing)]


def _judged(thing: Thing) -> bool:
    return thing.lane != "middle"  # what stands behind or before another is a foil


def _facts(scene: Scene, thing: Thing, frames: int) -> dict[str, str]:
    still = {
        "colour": thing.colour,
        "background": scene.background,
        "shape": thing.shape,
        "pattern": thing.pattern,
    }
    if frames == 1 or thing.lane in PASSES:
        return still
    return still | {"motion": thing.motion} | ({"camera": scene.camera} if thing.lane == "whole" else {})


def scaled(clips: Tensor, height: int, width: int) -> Tensor:
    """Clips (b 3 t h w) at another size, smoothly: no stripes of aliasing."""
    if clips.shape[-2:] == (height, width):
        return clips
    batch, _, frames, *_ = clips.shape
    flat = clips.transpose(1, 2).flatten(0, 1)
    flat = F.interpolate(flat, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return flat.unflatten(0, (batch, frames)).transpose(1, 2)
