"""What the nodes that write a file share: which files, their widgets, and what is left of one."""

import hashlib
from typing import Annotated

from assets.files import Files
from assets.values import ClipSpec, SavedFile, SavedFileSpec
from nodes.api import FileName, Range, SpecError

SAVED = ("mp4", "webm", "gif", "webp", "png", "jpg")
Target = Annotated[str, FileName("save", SAVED), "Name below the outputs folder; its ending says the format."]
Quality = Annotated[int, Range(1, 100), "Of the lossy formats."]


def saved_spec(clip: ClipSpec, file: str, files: Files) -> SavedFileSpec:
    """SpecError where the name leads nowhere, or its ending has no room for the clip."""
    target = files.target(file)
    ending = target.suffix.lower().removeprefix(".")
    if ending not in SAVED:
        raise SpecError(f"{file!r} does not end in one of {', '.join(SAVED)}; name it like 'clip.mp4'.")
    if clip.frames > 1 and ending in ("png", "jpg"):
        raise SpecError(f"Got {clip.frames} frames for the image {file!r}; save them as mp4, or trim to 1 frame.")
    return SavedFileSpec(file)


def saved(file: str, files: Files) -> SavedFile:
    """The value that stands for a file that was just written."""
    with files.target(file).open("rb") as written:
        return SavedFile(file, hashlib.file_digest(written, "sha256").hexdigest())
