"""Is a file as long as it says? FFmpeg takes what is left of a GIF, JPEG, WebM, WebP or AVI that was cut short for all.

MP4 and PNG need no help: their packets are marked as corrupt, or the decoder fails.
"""

import os
from pathlib import Path
from typing import BinaryIO

from assets.media import jpeg
from assets.media.errors import MediaError

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
GIF_TRAILER = b";"


def expect_whole(path: Path, file: BinaryIO) -> None:
    """Raise MediaError if the file ends before its own first bytes say it does; leaves it at its start."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(64)
    whole = True
    if start[:4] == b"RIFF" and len(start) >= 12:
        whole = size >= 8 + int.from_bytes(start[4:8], "little")
    elif start[:4] == EBML:
        whole = size >= _matroska_end(start)
    elif start[:6] in (b"GIF87a", b"GIF89a"):
        file.seek(max(0, size - 1024))
        whole = file.read().rstrip(b"\0\r\n").endswith(GIF_TRAILER)
    elif start[:3] == jpeg.START:
        whole = jpeg.is_whole(file)
    file.seek(0)
    if not whole:
        raise MediaError(f"{path.name} is cut short after {size} bytes; copy it again or save it anew")


def _matroska_end(start: bytes) -> int:
    """Where the segment ends, 0 where the file does not say (a live recording). RFC 8794, section 4."""
    length, width = _variable_size(start[4:])
    at = 4 + width + length
    if start[at : at + 4] != SEGMENT:
        return 0
    length, width = _variable_size(start[at + 4 :])
    unknown = (1 << 7 * width) - 1
    return 0 if length == unknown else at + 4 + width + length


def _variable_size(data: bytes) -> tuple[int, int]:
    """An EBML number and its width in bytes; (0, 0) where there is none."""
    if not data or not data[0]:
        return 0, 0
    width = 9 - data[0].bit_length()
    return int.from_bytes(data[:width], "big") & ((1 << 7 * width) - 1), width
