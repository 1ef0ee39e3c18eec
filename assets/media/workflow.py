"""The workflow that made a file travels inside it: a text chunk in PNG, the comment in MP4 and WebM."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from assets.media.errors import MediaError
from assets.media.source import opened

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_KEYWORD = b"patchloom"
MAX_WORKFLOW = 16 * 1024 * 1024


def read_workflow(path: Path) -> str | None:
    """The workflow JSON inside a PNG, MP4 or WebM file, or None where there is none. The text is not yet checked."""
    with path.open("rb") as file:
        signature = file.read(8)
    if signature == PNG_SIGNATURE:
        found = _read_png(path)
    else:
        try:
            with opened(path) as (container, _):
                tags = {name.lower(): text for name, text in container.metadata.items()}
        except MediaError:
            return None
        found = tags.get("comment")
    return found if found is not None and _is_workflow(found) else None


def with_workflow(png: bytes, workflow: str) -> bytes:
    """A PNG file's bytes with the workflow in an iTXt chunk after the header (PNG specification, 11.3.3.4)."""
    # Keyword, no compression, no language, no translated keyword, then UTF-8.
    body = b"iTXt" + PNG_KEYWORD + b"\0\0\0\0\0" + workflow.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    after_header = len(PNG_SIGNATURE) + 25
    return png[:after_header] + chunk + png[after_header:]


def _read_png(path: Path) -> str | None:
    for name, body in _png_chunks(path):
        if name == b"iTXt" and body.startswith(PNG_KEYWORD + b"\0\0\0\0\0"):
            return body[len(PNG_KEYWORD) + 5 :].decode("utf-8", "replace")
    return None


def _png_chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The text chunks of a PNG, without reading the picture."""
    with path.open("rb") as file:
        file.seek(len(PNG_SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if name == b"iTXt" and length <= MAX_WORKFLOW:
                yield name, file.read(length)
                file.seek(4, 1)
            else:
                file.seek(length + 4, 1)


def _is_workflow(text: str) -> bool:
    """Whether a text is a workflow of ours rather than somebody's comment."""
    if len(text) > MAX_WORKFLOW:
        return False
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and str(document.get("format")).startswith("patchloom/")
