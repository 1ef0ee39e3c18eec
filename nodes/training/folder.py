"""A folder of clips and images to learn from: which there are, the text beside each, and the frames that are read.

The text of `walk.mp4` is `walk.txt` beside it. No torch here.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from assets import images, media
from assets.values import Clip
from nodes.media.nodes import IMAGE, VIDEO, flatten
from nodes.world.scene import FRAMES_PER_SECOND

TEXT = ".txt"


class FolderError(ValueError):
    """A folder or a file in it that can't be learned from: what was got, what is needed, what to try."""


@dataclass(frozen=True)
class Taken:
    """What is read of each clip: at most `frames` frames (1 + 4k of them), about eight a second.

    area: pixels of a frame, at most; a larger one is scaled down, its aspect kept. unit: sides are multiples of it,
    what sticks out is cut off.
    """

    frames: int = 17
    area: int = 96 * 96
    unit: int = 16


def clip_files(folder: Path) -> list[Path]:
    """The videos and images of a folder and those below it, by name. FolderError where there are none."""
    if not folder.is_dir():
        raise FolderError(f"Got {folder}, which is no folder; needs one with videos or images in it. Check the name.")
    found = [path for path in folder.rglob("*") if path.suffix.lower()[1:] in (*VIDEO, *IMAGE) and path.is_file()]
    shown = sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    if not shown:
        raise FolderError(
            f"Got the folder {folder}, which holds no video and no image; needs files that end in "
            f"{', '.join(dict.fromkeys((*VIDEO, *IMAGE)))}. Check the name."
        )
    refuse_shared_texts(shown)
    return shown


def refuse_shared_texts(files: list[Path]) -> None:
    """FolderError where two files have one text: it could tell of one of them only."""
    for text, count in Counter(sidecar(path) for path in files).items():
        if count > 1:
            names = " and ".join(path.name for path in files if sidecar(path) == text)
            raise FolderError(
                f"Got {names}, which both have the text {text.name}; needs a text each. Rename one of them."
            )


def sidecar(path: Path) -> Path:
    """The file of a clip's text."""
    return path.with_suffix(TEXT)


def text_of(path: Path) -> str:
    """The text beside a clip, in one line; FolderError where there is none."""
    try:
        return " ".join(sidecar(path).read_text("utf-8").split())
    except FileNotFoundError as error:
        raise FolderError(
            f"There is no text for {path.name}; needs one in {sidecar(path).name}, beside it. Write it, or let "
            f"`patchloom train recaption {path.parent}` write it."
        ) from error
    except UnicodeDecodeError as error:
        raise FolderError(
            f"{sidecar(path).name} is not UTF-8 text; needs plain text. Save it anew as UTF-8."
        ) from error


def read_frames(path: Path, taken: Taken) -> Clip:
    """The frames of a clip or an image that are learned from: RGB, not distorted. MediaError says why it can't be read.

    Every n-th frame is taken, from the first on, so that they come at about the rate that the family knows.
    """
    spec = media.probe(path)
    stride = max(1, round(spec.fps / FRAMES_PER_SECOND)) if spec.frames > 1 else 1
    there = len(range(0, spec.frames, stride))
    count = 1 + (min(there, taken.frames) - 1) // 4 * 4
    clip = flatten(media.read_clip(path, frames=count, stride=stride))
    height, width = size_taken(spec.height, spec.width, taken)
    frames = clip.frames
    if height <= spec.height and width <= spec.width and spec.height * spec.width <= taken.area:
        top, left = (spec.height - height) // 2, (spec.width - width) // 2
        frames = images.crop(frames, top, left, height, width)
    else:
        frames = images.resize(frames, height, width, "cover")
    return Clip(frames, clip.fps)


def size_taken(height: int, width: int, taken: Taken) -> tuple[int, int]:
    """(height, width) in pixels that a frame of that size is brought to."""
    scale = min(1.0, math.sqrt(taken.area / (height * width)))
    sides = (max(taken.unit, int(side * scale) // taken.unit * taken.unit) for side in (height, width))
    high, wide = sides
    return high, wide
