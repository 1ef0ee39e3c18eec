"""A text inside a GIF: a comment extension before the first picture (GIF89a specification, section 24)."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SIGNATURES = (b"GIF87a", b"GIF89a")
EXTENSION, COMMENT = b"\x21", b"\xfe"
BLOCK = 255


def with_text(gif: bytes, text: str) -> bytes:
    """The file's bytes with a text in it."""
    data = text.encode()
    blocks = (data[at : at + BLOCK] for at in range(0, len(data), BLOCK))
    comment = EXTENSION + COMMENT + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    start = _after_header(gif[:13])
    return gif[:start] + comment + gif[start:]


def read_text(path: Path, most: int) -> str | None:
    """The first comment of a file, of at most that many bytes; the pictures are not read."""
    with path.open("rb") as file:
        file.seek(_after_header(file.read(13)))
        while file.read(1) == EXTENSION:
            label, data = file.read(1), bytearray()
            for block in _blocks(file):
                if label == COMMENT and len(data) <= most:
                    data += block
            if label == COMMENT:
                return data.decode("utf-8", "replace") if len(data) <= most else None
    return None


def _after_header(header: bytes) -> int:
    """Where the blocks begin: after the screen descriptor and its palette (section 18)."""
    flags = header[10] if len(header) > 10 else 0
    return 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """The sub-blocks up to the empty one that ends them (section 15)."""
    while (size := file.read(1)) not in (b"", b"\0"):
        yield file.read(size[0])
