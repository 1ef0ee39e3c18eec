"""A text inside a PNG: an iTXt chunk after the header (PNG specification, 11.3.3.4)."""

import struct
import zlib
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
AFTER_HEADER = len(SIGNATURE) + 25
# Keyword, no compression, no language, no translated keyword.
START = b"patchloom\0\0\0\0\0"


def with_text(png: bytes, text: str) -> bytes:
    """The file's bytes with a text in it."""
    body = b"iTXt" + START + text.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:AFTER_HEADER] + chunk + png[AFTER_HEADER:]


def read_text(path: Path, most: int) -> str | None:
    """The text that `with_text` put into a file, of at most that many bytes; the picture is not read."""
    with path.open("rb") as file:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if name == b"iTXt" and length <= most:
                body = file.read(length)
                if body.startswith(START):
                    return body[len(START) :].decode("utf-8", "replace")
                file.seek(4, 1)
            else:
                file.seek(length + 4, 1)
    return None
