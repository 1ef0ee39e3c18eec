"""Reading clips and images."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.media import webp
from assets.media.errors import MediaError
from assets.media.scan import Scan, scan
from assets.media.source import MAX_CLIP_BYTES, decoded, opened
from assets.values import Clip, ClipSpec


def probe(path: Path) -> ClipSpec:
    """Exact frame count, size as shown (after rotation, in pixels), frame rate and channels of a clip or image.

    Frames are counted, not taken from the header; a variable rate is given as the mean one. Remembered until the
    file changes. MediaError says why a file cannot be read.
    """
    return scan(path).spec


def read_clip(path: Path, *, start: int = 0, frames: int | None = None, stride: int = 1) -> Clip:
    """Read frames start, start + stride, ... of a clip, `frames` at most (None: to the end); an image has frame 0.

    Frames come upright, in sRGB by the file's own colour tags (BT.601 where it has none, as in FFmpeg), with alpha
    where any pixel of the file is not opaque. Only what is needed is decoded. The rate of a strided clip is divided
    by the stride, so that it lasts as long. MediaError says why a file cannot be read.
    """
    found = scan(path)
    spec = found.spec
    wanted = frame_range(spec.frames, start, frames, stride)
    needed = len(wanted) * spec.height * spec.width * spec.channels
    if needed > MAX_CLIP_BYTES:
        raise MediaError(
            f"{len(wanted)} frames of {path.name} ({spec.width}x{spec.height}) would take {needed / 2**30:.1f} GiB; "
            f"at most {MAX_CLIP_BYTES >> 30} GiB are read: ask for fewer frames or a larger stride"
        )
    read = webp.read(path, wanted) if webp.is_animation(path) else _read(path, found, wanted)
    return Clip(read, spec.fps / stride)


def frame_range(total: int, start: int, frames: int | None, stride: int) -> range:
    """The indices that `read_clip` reads of a file with `total` frames; MediaError if there are none."""
    if stride < 1 or start < 0 or (frames is not None and frames < 1):
        raise MediaError(
            f"start {start}, frames {frames}, stride {stride} ask for nothing; start at 0 or above, with at least one "
            "frame and a stride of at least 1"
        )
    if start >= total:
        raise MediaError(f"start {start} is past the end: there are {total} frames; start at {total - 1} or before")
    stop = total if frames is None else min(total, start + (frames - 1) * stride + 1)
    return range(start, stop, stride)


def _read(path: Path, found: Scan, wanted: range) -> npt.NDArray[np.uint8]:
    """Frames (t h w c) of those indices, from the key frame before the first of them."""
    spec = found.spec
    layout = "rgba" if spec.channels == 4 else "rgb24"
    height, width = found.coded
    made = np.empty((len(wanted), spec.height, spec.width, spec.channels), np.uint8)
    filled = 0
    with opened(path) as (container, stream):
        index_at = {time: index for index, time in enumerate(found.times)}
        seek = bool(index_at) and wanted.start > 0
        if seek:
            container.seek(found.times[wanted.start], stream=stream)
        for number, frame in enumerate(decoded(path, container, stream)):
            index = index_at.get(frame.pts or 0, -1) if seek else number
            if index in wanted:
                pixels = frame.to_ndarray(format=layout, width=width, height=height)
                made[wanted.index(index)] = found.turn.upright(pixels)
                filled += 1
            if index >= wanted[-1]:
                break
    if filled < len(wanted):
        raise MediaError(
            f"{path.name} is cut short or damaged: {filled} of the {len(wanted)} frames from {wanted.start} on can be "
            "read; ask for fewer, or save the file anew"
        )
    return made
