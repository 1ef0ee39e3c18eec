"""Clips: frames in sRGB. An image is a clip of one frame."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.values.array import expect_shape


@dataclass(frozen=True, slots=True)
class ClipSpec:
    frames: int
    height: int
    width: int
    fps: float
    channels: int = 3

    def __str__(self) -> str:
        alpha = " with alpha" if self.channels == 4 else ""
        if self.frames == 1:
            return f"image {self.width}x{self.height}{alpha}"
        return f"{self.frames} frames {self.width}x{self.height} at {self.fps:g} fps{alpha}"


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A video clip.

    frames: uint8 (t, h, w, c) in sRGB, c = 3 (RGB) or 4 (RGBA, straight alpha).
    fps: frames per second; of no meaning where there is one frame.
    """

    frames: npt.NDArray[Any]
    fps: float

    def __post_init__(self) -> None:
        expect_shape("Clip.frames", self.frames, "t h w c")
        if self.frames.dtype != np.uint8 or self.frames.shape[-1] not in (3, 4) or 0 in self.frames.shape:
            raise ValueError(
                f"Clip.frames is {self.frames.dtype} {self.frames.shape}; it needs at least one uint8 frame "
                "with 3 (RGB) or 4 (RGBA) channels"
            )
        if not self.fps > 0:
            raise ValueError(f"a clip's frame rate is {self.fps}; it must be above 0")

    @property
    def spec(self) -> ClipSpec:
        t, h, w, c = self.frames.shape
        return ClipSpec(t, h, w, self.fps, c)
