"""Turning frames upright, as the display matrix of a phone's video or the EXIF of its photo asks for."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from assets.media.jpeg import exif_orientation


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


def orientation(path: Path, frame: VideoFrame) -> Orientation:
    """How the frame is to be turned, to the nearest quarter; upright where the file does not say."""
    exif = exif_orientation(path)
    if exif is not None:
        return Orientation(swap=exif >= 5, mirror_rows=exif in (3, 4, 7, 8), mirror_columns=exif in (2, 3, 6, 7))
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV lists no side data at all where there is a kind that it has no name for; the angle it still knows.
        quarters = round(frame.rotation / 90) % 4
        return Orientation(swap=quarters % 2 == 1, mirror_rows=quarters in (1, 2), mirror_columns=quarters in (2, 3))
    if data is None:
        return Orientation()
    # A stored point (x, y) is shown at (a x + c y, b x + d y): ISO/IEC 14496-12, 6.2.2.
    a, b, _, c, d = struct.unpack("=9i", bytes(np.asarray(data)[:36]))[:5]
    if abs(b) > abs(a):
        return Orientation(swap=True, mirror_rows=b < 0, mirror_columns=c < 0)
    return Orientation(mirror_rows=d < 0, mirror_columns=a < 0)
