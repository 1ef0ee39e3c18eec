"""Turning frames upright, as the display matrix of a phone's video or the EXIF of its photo asks for."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame


@dataclass(frozen=True, slots=True)
class Orientation:
    """First swap rows and columns, then mirror: all eight ways a picture can lie."""

    swap: bool = False
    mirror_rows: bool = False
    mirror_columns: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        return (width, height) if self.swap else (height, width)

    def upright(self, frame: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(h w c) as stored to (h w c) as shown."""
        turned = frame.swapaxes(0, 1) if self.swap else frame
        return turned[:: -1 if self.mirror_rows else 1, :: -1 if self.mirror_columns else 1]


def orientation(frame: VideoFrame) -> Orientation:
    """What the frame's display matrix asks for, to the nearest quarter turn; upright where it has none."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation()
    # A stored point (x, y) is shown at (a x + c y, b x + d y): ISO/IEC 14496-12, 6.2.2.
    a, b, _, c, d = struct.unpack("=9i", bytes(np.asarray(data)[:36]))[:5]
    if abs(b) > abs(a):
        return Orientation(swap=True, mirror_rows=b < 0, mirror_columns=c < 0)
    return Orientation(mirror_rows=d < 0, mirror_columns=a < 0)
