"""What is in a media file: how many frames, how large, how fast; counted, not taken from what its header claims."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from assets.media import webp
from assets.media.orient import Orientation, orientation
from assets.media.source import MediaError, decoded, has_vpx_alpha, opened
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
        packets = [packet for packet in container.demux(stream) if packet.size and not packet.is_discard]
        if any(packet.is_corrupt for packet in packets):
            raise MediaError(f"{path.name} is cut short or damaged; copy it again or save it anew")
        times = sorted(packet.pts for packet in packets if packet.pts is not None)
        last = max((packet.duration or 0 for packet in packets if packet.pts == times[-1]), default=0) if times else 0
        average, tick = stream.average_rate, stream.time_base
        countable = stream.codec_context.codec.name in PACKET_IS_FRAME and len(set(times)) == len(packets)
    with opened(path) as (container, stream):
        frames = decoded(container, stream)
        first = next(frames, None)
        if first is None:
            raise MediaError(f"{path.name} holds no frame that can be decoded; it may be cut short: copy it again")
        alpha = has_vpx_alpha(stream) or any(part.is_alpha for part in first.format.components)
        count = len(packets)
        if alpha or not countable:
            # Many files have an alpha channel with nothing in it (every GIF has): those are plain RGB.
            alpha = alpha and bool(np.any(first.to_ndarray(format="rgba")[..., 3] < 255))
            could = any(part.is_alpha for part in first.format.components)
            count = 1
            for frame in frames:
                count += 1
                alpha = alpha or (could and bool(np.any(frame.to_ndarray(format="rgba")[..., 3] < 255)))
    seconds = float((times[-1] - times[0] + last) * tick) if tick and len(times) > 1 else 0.0
    fps = frame_rate(count, seconds, float(tick or 0), float(average or 0))
    turn = orientation(first)
    height, width = turn.size(first.height, first.width)
    spec = ClipSpec(count, height, width, fps, 4 if alpha else 3)
    usable = tuple(times) if len(times) == count and countable else ()
    return Scan(spec, (first.height, first.width), turn, usable)


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
