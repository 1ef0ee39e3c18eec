"""Large clips on disk: losslessly compressed video in place of their frames.

Lossless H.264 takes a fraction of the bytes, for about the time that it costs to write and sync the others
(`python -m benchmarks.store`). What is read back is byte for byte what was packed, or else its digest says that it is
not; so nothing here needs to be trusted.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

MARK = b"loomclip"
ENCODER, DECODER = "libx264rgb", "h264"
OPTIONS = {"qp": "0", "preset": "ultrafast"}
LONGEST_HEADER = 64 * 1024


def pack(data: bytes) -> bytes:
    """A blob as it is to be stored: that of an RGB clip with its frames compressed, any other as it is."""
    start = 8 + int.from_bytes(data[:8], "little")
    shape = _clip_shape(data[8:start]) if start <= LONGEST_HEADER else None
    if shape is None:
        return data
    frames = np.frombuffer(data, np.uint8, offset=start).reshape(shape)
    try:
        packed = b"".join([MARK, data[:start], *_compressed(frames)])
    except FFmpegError:
        return data
    return packed if len(packed) < len(data) else data


def unpack(stored: bytes) -> bytes:
    """The blob that was packed; one that is damaged comes back as it is, which its digest tells."""
    if not stored.startswith(MARK):
        return stored
    head = stored[len(MARK) : len(MARK) + LONGEST_HEADER]
    start = 8 + int.from_bytes(head[:8], "little")
    shape = _clip_shape(head[8:start])
    if shape is None:
        return stored
    try:
        return head[:start] + b"".join(_decompressed(stored[len(MARK) + start :], shape))
    except (FFmpegError, ValueError):
        return stored


def _clip_shape(header: bytes) -> tuple[int, ...] | None:
    """(t, h, w, 3) of the one tensor of a blob, if it is an RGB clip."""
    try:
        content: dict[str, Any] = json.loads(header)
        content.pop("__metadata__", None)
        (tensor,) = content.values()
        shape = tuple(map(int, tensor["shape"]))
        return shape if tensor["dtype"] == "U8" and len(shape) == 4 and shape[3] == 3 else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _compressed(frames: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    codec = av.CodecContext.create(ENCODER, "w")
    assert isinstance(codec, VideoCodecContext)
    codec.height, codec.width = frames.shape[1:3]
    codec.pix_fmt, codec.time_base, codec.options = "rgb24", Fraction(1, 25), OPTIONS
    # Beside a node that computes, more threads would only be in its way.
    codec.thread_count = 1
    for number, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts = number
        yield from map(bytes, codec.encode(frame))
    yield from map(bytes, codec.encode(None))


def _decompressed(data: bytes, shape: tuple[int, ...]) -> Iterator[bytes]:
    """Frames of h w 3; ValueError or FFmpegError unless there are exactly those that `shape` says."""
    codec = av.CodecContext.create(DECODER, "r")
    assert isinstance(codec, VideoCodecContext)
    codec.options = {"max_pixels": str(shape[1] * shape[2] + 4096)}
    codec.thread_type = "AUTO"
    found = 0
    for packet in [*codec.parse(data), *codec.parse(None), None]:
        for frame in codec.decode(packet):
            found += 1
            if found > shape[0] or (frame.height, frame.width) != shape[1:3]:
                raise ValueError("other frames than the header says")
            yield frame.to_ndarray(format="rgb24").tobytes()
    if found != shape[0]:
        raise ValueError("fewer frames than the header says")
