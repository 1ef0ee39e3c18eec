"""The results of a sweep as one picture or clip, laid out on its grid with the axes labelled."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assets.store import BlobMissing, Store
from assets.values import Clip
from pipelines.queue.book import Book

Frames = npt.NDArray[np.uint8]
PAPER, INK, FAINT = 24, (236, 238, 242), (120, 126, 138)
FONT, SCALE, LINE, GAP = cv2.FONT_HERSHEY_SIMPLEX, 0.42, 16, 6
# Small results are enlarged so that a label fits below the column that it is of.
SMALLEST_CELL = 128
LONGEST_SIDE = 8192


def sheet_of(book: Book, store: Store, sweep: str, *, still: bool) -> Clip:
    """The sheet of a sweep, with a blank for each run that has no clip (yet). still: the middle frame of each.

    RunUnknown if there is no such sweep; ValueError if none of its runs has a clip.
    """
    _, axes = book.sweep(sweep)
    clips: dict[tuple[int, ...], Clip] = {}
    runs = book.cells(sweep)
    for at, run in zip(product(*(range(len(axis["labels"])) for axis in axes)), runs, strict=False):
        for shown in run.result.get("shown", ()):
            try:
                value = store.get(shown["digest"])
            except BlobMissing:
                continue
            if isinstance(value, Clip):
                clips[at] = value
    return contact_sheet([axis["labels"] for axis in axes], clips, still=still)


def contact_sheet(labels: Sequence[Sequence[str]], clips: Mapping[tuple[int, ...], Clip], *, still: bool) -> Clip:
    """Clips on a grid: the last axis goes across, all others down.

    labels: of the values on each axis. clips: by index on each axis. A clip that is shorter than the longest stays at
    its last frame.
    """
    if not clips:
        raise ValueError("no run of this sweep has a clip to show yet; wait for one, or add a node that makes a clip")
    *down, across = labels
    rows = list(product(*(range(len(axis)) for axis in down)))
    frames = 1 if still else max(clip.spec.frames for clip in clips.values())
    height, width = max(c.spec.height for c in clips.values()), max(c.spec.width for c in clips.values())
    times = max(1, math.ceil(SMALLEST_CELL / width))
    height, width = height * times, width * times
    heads = [", ".join(axis[index] for axis, index in zip(down, row, strict=True)) for row in rows]
    left = 0 if not down else min(260, 16 + max(_wide(head) for head in heads))
    top = GAP + LINE * max(len(_lines(label, width)) for label in across)
    cell_height, cell_width = height + GAP, width + GAP
    size = (top + cell_height * len(rows) + GAP, left + cell_width * len(across) + GAP)
    if max(size) > LONGEST_SIDE:
        raise ValueError(
            f"the sheet would be {size[1]}x{size[0]} pixels; at most {LONGEST_SIDE} a side are written: sweep in parts"
        )
    sheet = np.full((frames, *(side + side % 2 for side in size), 3), PAPER, np.uint8)
    for column, label in enumerate(across):
        _write(sheet, _lines(label, width), left + GAP + column * cell_width, LINE - 3)
    for line, (row, head) in enumerate(zip(rows, heads, strict=True)):
        y = top + line * cell_height
        _write(sheet, _lines(head, left - 12), 8, y + height // 2)
        for column in range(len(across)):
            x = left + GAP + column * cell_width
            clip = clips.get((*row, column))
            if clip is None:
                cv2.rectangle(sheet[0], (x, y), (x + width - 1, y + height - 1), FAINT)
                sheet[1:, y : y + height, x : x + width] = sheet[0, y : y + height, x : x + width]
            else:
                shown = _played(clip, frames, times)
                sheet[:, y : y + shown.shape[1], x : x + shown.shape[2]] = shown
    return Clip(sheet, max(clip.fps for clip in clips.values()))


def _played(clip: Clip, frames: int, times: int) -> Frames:
    """`frames` frames (t h w 3), enlarged; alpha is laid over black."""
    which = [clip.spec.frames // 2] if frames == 1 else np.minimum(np.arange(frames), clip.spec.frames - 1)
    shown: Any = np.asarray(clip.frames)[which]
    if shown.shape[-1] == 4:
        shown = (shown[..., :3].astype(np.uint16) * shown[..., 3:] // 255).astype(np.uint8)
    return np.asarray(shown.repeat(times, axis=1).repeat(times, axis=2), np.uint8)


def _write(sheet: Frames, lines: Sequence[str], x: int, y: int) -> None:
    """Write on the first frame, and so on all."""
    for number, line in enumerate(lines):
        at = (x, y + number * LINE)
        cv2.putText(sheet[0], line, at, FONT, SCALE, INK, 1, cv2.LINE_AA)
    sheet[1:] = sheet[0]


def _lines(text: str, width: int) -> list[str]:
    """The text in lines that fit; OpenCV's font has ASCII only."""
    plain = text.encode("ascii", "replace").decode()
    return [plain] if _wide(plain) <= width else textwrap.wrap(plain, max(4, width // 9))[:4]


def _wide(text: str) -> int:
    (width, _), _ = cv2.getTextSize(text.encode("ascii", "replace").decode(), FONT, SCALE, 1)
    return int(width)
