"""What FFmpeg does not tell of a JPEG: whether it is whole, which way up it is, and the text inside it."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

START, END = b"\xff\xd8\xff", b"\xff\xd9"
SCAN, APP0, APP1, COMMENT = 0xDA, 0xE0, 0xE1, 0xFE
LONGEST_SEGMENT = 65533
ORIENTATION_TAG = 0x0112


def is_whole(file: BinaryIO) -> bool:
    """Whether an end marker follows the first scan; a preview inside the header has one too (ITU-T T.81, B.1.1)."""
    return any(marker == SCAN and END in file.read() for marker, _ in _segments(file))


def exif_orientation(path: Path) -> int | None:
    """1 to 8 as Exif counts them (CIPA DC-008, 4.6.4), None where the file is no JPEG or does not say."""
    with path.open("rb") as file:
        for marker, length in _segments(file):
            if marker == SCAN:
                return None
            if marker == APP1:
                body = file.read(length)
                if body.startswith(b"Exif\0\0"):
                    return _orientation(body[6:])
    return None


def with_text(jpeg: bytes, text: str) -> bytes:
    """The file's bytes with a text in it, as comments (ITU-T T.81, B.2.4.5), which hold 64 KiB each."""
    data = text.encode()
    parts = (data[at : at + LONGEST_SEGMENT] for at in range(0, len(data), LONGEST_SEGMENT))
    comments = b"".join(bytes([0xFF, COMMENT]) + struct.pack(">H", len(part) + 2) + part for part in parts)
    # The JFIF segment has to come first of all.
    start = 4 + int.from_bytes(jpeg[4:6], "big") if jpeg[3] == APP0 else 2
    return jpeg[:start] + comments + jpeg[start:]


def read_text(path: Path, most: int) -> str | None:
    """The comments of a file, joined, of at most that many bytes; the picture is not read."""
    data = bytearray()
    with path.open("rb") as file:
        for marker, length in _segments(file):
            if marker == COMMENT and len(data) <= most:
                data += file.read(length)
    return data.decode("utf-8", "replace") if 0 < len(data) <= most else None


def _segments(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Marker and length of each segment up to the first scan; the file stands at the segment's content."""
    file.seek(0)
    if file.read(3) != START:
        return
    at = 2
    while len(head := _read_at(file, at, 4)) == 4 and head[0] == 0xFF:
        length = int.from_bytes(head[2:], "big")
        yield head[1], max(0, length - 2)
        if head[1] == SCAN:
            return
        at += 2 + length


def _read_at(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at, os.SEEK_SET)
    return file.read(length)


def _orientation(tiff: bytes) -> int | None:
    """The orientation in the first directory of a TIFF header, None where it has none or is damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    try:
        if order is None:
            return None
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, at)
        for index in range(entries):
            tag, _, _, number = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * index)
            if tag == ORIENTATION_TAG:
                return number if 1 <= number <= 8 else None
    except struct.error:
        pass
    return None
