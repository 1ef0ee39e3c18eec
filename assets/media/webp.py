"""Animated WebP, which FFmpeg writes but does not read: sizes from its chunks, pictures by OpenCV."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assets.media.errors import MediaError
from assets.media.source import MAX_CLIP_BYTES, expect_size, refusals
from assets.media.whole import expect_whole
from assets.values import ClipSpec

ANIMATION_FLAG = 2


def is_animation(path: Path) -> bool:
    """Whether the file is a WebP animation (WebP container specification, "Extended File Format")."""
    with path.open("rb") as file:
        head = file.read(21)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) == 21 and bool(head[20] & ANIMATION_FLAG)


def probe(path: Path, still_fps: float) -> ClipSpec:
    """Frames, size, rate and whether any pixel is not opaque; MediaError if the file is damaged."""
    width, height, milliseconds = _layout(path)
    count = len(milliseconds)
    total = sum(milliseconds)
    fps = 1000 * count / total if count > 1 and total else still_fps
    whole = round(fps)
    if whole and abs(1000 * count / whole - total) <= count / 2:
        fps = float(whole)
    frames = read(path, range(count))
    return ClipSpec(count, height, width, fps, frames.shape[-1])


def read(path: Path, indices: range) -> npt.NDArray[np.uint8]:
    """Frames (t h w c) of those indices, c = 4 where any pixel of the file is not opaque."""
    width, height, milliseconds = _layout(path)
    if len(milliseconds) * width * height * 4 > MAX_CLIP_BYTES:
        raise MediaError(f"{path.name} would take more than {MAX_CLIP_BYTES >> 30} GiB in memory; shrink or trim it")
    with refusals(path):
        fine, animation = cv2.imreadanimation(str(path))
    if not fine or len(animation.frames) != len(milliseconds):
        got = len(animation.frames) if fine else 0
        raise MediaError(
            f"{path.name} is cut short or damaged: {got} of its {len(milliseconds)} frames can be read; save it anew"
        )
    frames: Any = np.stack(animation.frames)
    if frames.shape[-1] == 4 and (frames[..., 3] < 255).any():
        return np.ascontiguousarray(frames[indices.start : indices.stop : indices.step][..., [2, 1, 0, 3]])
    return np.ascontiguousarray(frames[indices.start : indices.stop : indices.step][..., [2, 1, 0]])


def _layout(path: Path) -> tuple[int, int, list[int]]:
    """Canvas width and height, and how long each frame is shown in milliseconds."""
    width = height = 0
    milliseconds = []
    with path.open("rb") as file:
        expect_whole(path, file)
    for name, start in _chunks(path):
        if name == b"VP8X" and len(start) >= 10:
            width, height = _u24(start[4:7]) + 1, _u24(start[7:10]) + 1
            expect_size(path, width, height)
        elif name == b"ANMF" and len(start) >= 16:
            milliseconds.append(_u24(start[12:15]))
    if not milliseconds or not width:
        raise MediaError(f"{path.name} is a WebP animation without frames; it may be cut short: save it anew")
    return width, height, milliseconds


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Name and first 16 bytes of each chunk of a RIFF file."""
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            start = file.read(min(16, length))
            yield name, start
            file.seek(length - len(start) + length % 2, 1)


def _u24(three: bytes) -> int:
    return int.from_bytes(three, "little")
