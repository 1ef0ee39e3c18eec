"""WebP: animations, which FFmpeg writes but does not read (sizes from chunks, pictures by OpenCV), and a text inside.

The text travels as XMP, the field that WebP has for it (WebP container specification, "Metadata").
"""

import html
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

ANIMATION_FLAG, XMP_FLAG = 2, 4
XMP_START = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:patchloom="urn:patchloom:"><patchloom:workflow>'
)
XMP_END = "</patchloom:workflow></rdf:Description></rdf:RDF></x:xmpmeta>"


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


def with_text(webp: bytes, text: str) -> bytes:
    """The file's bytes with a text in it."""
    body = bytearray(webp[12:])
    if body[:4] == b"VP8 ":  # A plain lossy picture has no header for features; its size stands in its first frame.
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", body[14:18]))
        body[:0] = (
            b"VP8X"
            + struct.pack("<I", 10)
            + bytes(4)
            + (width - 1).to_bytes(3, "little")
            + (height - 1).to_bytes(3, "little")
        )
    body[8] |= XMP_FLAG
    packet = (XMP_START + html.escape(text, quote=False) + XMP_END).encode()
    body += b"XMP " + struct.pack("<I", len(packet)) + packet + bytes(len(packet) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + bytes(body)


def read_text(path: Path, most: int) -> str | None:
    """The text that `with_text` put into a file, of at most that many bytes; the pictures are not read."""
    for name, at, length in _places(path):
        if name == b"XMP " and length <= 2 * most:
            with path.open("rb") as file:
                file.seek(at)
                packet = file.read(length).decode("utf-8", "replace")
            if packet.startswith(XMP_START) and packet.endswith(XMP_END):
                return html.unescape(packet[len(XMP_START) : -len(XMP_END)])
    return None


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
        for name, at, length in _places(path):
            file.seek(at)
            yield name, file.read(min(16, length))


def _places(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of the content of each chunk of a RIFF file."""
    with path.open("rb") as file:
        at = 12
        file.seek(at)
        while len(head := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            yield name, at + 8, length
            at += 8 + length + length % 2
            file.seek(at)


def _u24(three: bytes) -> int:
    return int.from_bytes(three, "little")
