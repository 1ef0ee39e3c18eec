"""The workflow that made a file travels inside it, in the field that its format has for a text.

An iTXt chunk in PNG, comments in JPEG, GIF, MP4 and WebM, XMP in WebP.
"""

import json
from pathlib import Path

from assets.media import gif, jpeg, png, webp
from assets.media.errors import MediaError
from assets.media.source import opened

MAX_WORKFLOW = 16 * 1024 * 1024
# What FFmpeg does not write by itself, by the ending.
INSIDE = {"png": png.with_text, "jpg": jpeg.with_text, "jpeg": jpeg.with_text, "gif": gif.with_text}
INSIDE |= {"webp": webp.with_text}


def read_workflow(path: Path) -> str | None:
    """The workflow JSON inside a file, or None where there is none. The text is not yet checked."""
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith(png.SIGNATURE):
        found = png.read_text(path, MAX_WORKFLOW)
    elif start.startswith(jpeg.START):
        found = jpeg.read_text(path, MAX_WORKFLOW)
    elif start.startswith(gif.SIGNATURES):
        found = gif.read_text(path, MAX_WORKFLOW)
    elif start.startswith(b"RIFF") and start.endswith(b"WEBP"):
        found = webp.read_text(path, MAX_WORKFLOW)
    else:
        found = _comment(path)
    return found if found is not None and _is_workflow(found) else None


def with_workflow(data: bytes, ending: str, workflow: str) -> bytes:
    """The bytes of a png, jpg, gif or webp file with the workflow inside."""
    return INSIDE[ending](data, workflow)


def _comment(path: Path) -> str | None:
    try:
        with opened(path) as (container, _):
            return {name.lower(): text for name, text in container.metadata.items()}.get("comment")
    except MediaError:
        return None


def _is_workflow(text: str) -> bool:
    """Whether a text is a workflow of ours rather than somebody's comment."""
    if len(text) > MAX_WORKFLOW:
        return False
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and str(document.get("format")).startswith("patchloom/")
