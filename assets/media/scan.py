"""What is in a media file: how many frames, how large, how fast; counted, not taken from what its header claims."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from assets.media import webp
from assets.media.errors import MediaError
from assets.media.orient import Orientation, orientation
from assets.media.source import MAX_CLIP_BYTES, decoded, has_vpx_alpha, opened
from assets.values import ClipSpec

STILL_FPS = 24.0
# In these a packet is a frame, so that frames are counted without decoding them.
PACKET_IS_FRAME = ("h264", "hevc", "vp9", "libvpx-vp9", "av1", "libdav1d", "prores", "dnxhd", "ffv1", "mjpeg", "png")


@dataclass(frozen=True, slots=True)
class Scan:
    """spec: of the whole clip, upright. coded: (height, width) before it is turned upright.

    times: pts of each frame in the order shown, in ticks of the stream; empty where they tell nothing.
    """

    spec: ClipSpec
    coded: tuple[int, int]
    turn: Orientation
    times: tuple[int, ...]


def scan(path: Path) -> Scan:
    """Scan a file; remembered until its size or time of change is another. MediaError if it cannot be read."""
    try:
        stat = path.stat()
    except OSError as error:
        raise MediaError(f"there is no file {path} ({error.strerror}); check the name") from None
    if not path.is_file():
        raise MediaError(f"{path} is no file; choose a video or an image")
    return _scan(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _scan(path: Path, size: int, changed: int) -> Scan:
    if size == 0:
        raise MediaError(f"{path.name} is empty (0 bytes); copy it again")
    if webp.is_animation(path):
        spec = webp.probe(path, STILL_FPS)
        return Scan(spec, (spec.height, spec.width), Orientation(), ())
    with opened(path) as (container, stream):
        timing = _timing(path, container, stream)
        average = float(stream.average_rate or 0)
        countable = stream.codec_context.codec.name in PACKET_IS_FRAME and len(set(timing.times)) == timing.packets
    with opened(path) as (container, stream):
        frames = decoded(path, container, stream)
        first = next(frames, None)
        if first is None:
            raise MediaError(f"{path.name} holds no frame that can be decoded; it may be cut short: copy it again")
        has_alpha = has_vpx_alpha(stream) or any(part.is_alpha for part in first.format.components)
        count, alpha = timing.packets, False
        if has_alpha or not countable:
            _expect_scannable(path, count, first, has_alpha)
            count = 0
            for frame in chain([first], frames):
                count += 1
                # Many files have an alpha channel with nothing in it (every GIF has): those are plain RGB.
                alpha = alpha or (has_alpha and bool(np.any(frame.to_ndarray(format="rgba")[..., 3] < 255)))
    turn = orientation(path, first)
    height, width = turn.size(first.height, first.width)
    fps = frame_rate(count, timing.seconds, timing.tick, average)
    spec = ClipSpec(count, height, width, fps, 4 if alpha else 3)
    return Scan(spec, (first.height, first.width), turn, timing.times if countable else ())


@dataclass(frozen=True, slots=True)
class _Timing:
    """packets: of the stream. times: their pts, sorted. seconds: from first to last shown. tick: seconds a pts unit."""

    packets: int
    times: tuple[int, ...]
    seconds: float
    tick: float


def _timing(path: Path, container: InputContainer, stream: VideoStream) -> _Timing:
    """Read all packets without decoding them; MediaError if one is not whole."""
    packets = 0
    durations: dict[int, int] = {}
    times = []
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise MediaError(f"{path.name} is cut short or damaged; copy it again or save it anew")
        if packet.size and not packet.is_discard:
            packets += 1
            if packet.pts is not None:
                times.append(packet.pts)
                durations[packet.pts] = packet.duration or 0
    times.sort()
    tick = float(stream.time_base or 0)
    seconds = (times[-1] + durations[times[-1]] - times[0]) * tick if times else 0.0
    return _Timing(packets, tuple(times), seconds, tick)


def _expect_scannable(path: Path, count: int, frame: VideoFrame, has_alpha: bool) -> None:
    """A small file can claim a great many large frames, each to be searched for transparent pixels."""
    if has_alpha and count * frame.width * frame.height * 4 > MAX_CLIP_BYTES:
        raise MediaError(
            f"{path.name} has {count} frames of {frame.width}x{frame.height} with alpha, more than "
            f"{MAX_CLIP_BYTES >> 30} GiB; shrink or trim it first"
        )


def frame_rate(count: int, seconds: float, tick: float, claimed: float) -> float:
    """Frames per second such that `count` frames last `seconds`: a file of variable rate keeps its length.

    claimed: what the header says, taken where it agrees (it is exact, times are rounded to ticks).
    """
    if count < 2 or seconds <= 0:
        return STILL_FPS
    measured = count / seconds
    if abs(claimed / measured - 1) < 0.02:
        return claimed
    whole = max(1, round(measured))
    return float(whole) if abs(count / whole - seconds) <= 1.01 * tick else measured
