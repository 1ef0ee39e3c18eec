"""Image operations on frames: uint8 arrays (t h w c), c = 3 or 4, through OpenCV."""

from collections.abc import Sequence
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from assets.values import Clip

Frames = npt.NDArray[Any]
Mode = Literal["stretch", "cover", "contain"]
LABEL_HEIGHT = 18


def resize(frames: Frames, height: int, width: int, mode: Mode = "stretch") -> Frames:
    """Scale frames (t h w c) to height x width pixels.

    mode: stretch changes the aspect ratio; cover keeps it and cuts off what sticks out, at the centre; contain keeps
    it and adds black bars (transparent where there is alpha). Shrinking averages over area, enlarging is bicubic.
    """
    _, h, w, _ = frames.shape
    if height < 1 or width < 1:
        raise ValueError(f"the size asked for is {width}x{height}; both sides need at least 1 pixel")
    if mode == "stretch":
        return _scale(frames, height, width)
    pick = max if mode == "cover" else min
    factor = pick(height / h, width / w)
    scaled = _scale(frames, max(1, round(h * factor)), max(1, round(w * factor)))
    _, h, w, _ = scaled.shape
    if mode == "cover":
        return crop(scaled, (h - height) // 2, (w - width) // 2, height, width)
    top, left = (height - h) // 2, (width - w) // 2
    return pad(scaled, top, height - h - top, left, width - w - left)


def crop(frames: Frames, top: int, left: int, height: int, width: int) -> Frames:
    """Cut height x width pixels out of frames (t h w c), from row `top` and column `left` on."""
    _, h, w, _ = frames.shape
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > h or left + width > w:
        raise ValueError(
            f"a crop of {width}x{height} at row {top}, column {left} leads out of {w}x{h} pixels; "
            "move it inside or make it smaller"
        )
    return np.ascontiguousarray(frames[:, top : top + height, left : left + width])


def pad(
    frames: Frames, top: int, bottom: int, left: int, right: int, colour: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> Frames:
    """Add rows and columns around frames (t h w c) in an RGBA colour, of which RGB frames take the first three."""
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"the margins {top}, {bottom}, {left}, {right} must be 0 or more; crop to make a clip smaller")
    t, h, w, c = frames.shape
    made = np.empty((t, top + h + bottom, left + w + right, c), frames.dtype)
    made[:] = colour[:c]
    made[:, top : top + h, left : left + w] = frames
    return made


def contact_sheet(clips: Sequence[Clip], columns: int, labels: Sequence[str] = ()) -> Clip:
    """One clip that shows all of `clips` in rows of `columns`, each in its place from its first frame on.

    A shorter clip stands still on its last frame; a clip of another size is fitted into the first one's. labels: a
    line below each, as many as clips, or none.
    """
    if not clips or columns < 1:
        raise ValueError(f"a contact sheet of {len(clips)} clips in {columns} columns; it needs at least one of each")
    if labels and len(labels) != len(clips):
        raise ValueError(f"there are {len(labels)} labels for {len(clips)} clips; give one each, or none")
    _, height, width, _ = clips[0].frames.shape
    length = max(clip.spec.frames for clip in clips)
    cells = [_cell(clip, length, height, width) for clip in clips]
    if labels:
        cells = [
            np.concatenate([cell, np.broadcast_to(_label(text, width), (length, LABEL_HEIGHT, width, 3))], axis=1)
            for cell, text in zip(cells, labels, strict=True)
        ]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.concatenate(cells[at : at + columns], axis=2) for at in range(0, len(cells), columns)]
    return Clip(np.concatenate(rows, axis=1), clips[0].fps)


def _scale(frames: Frames, height: int, width: int) -> Frames:
    t, h, w, c = frames.shape
    if (h, w) == (height, width):
        return frames.copy()
    made = np.empty((t, height, width, c), np.uint8)
    for index, frame in enumerate(frames):
        made[index] = _scale_with_alpha(frame, height, width) if c == 4 else _scale_frame(frame, height, width)
    return made


def _scale_frame(frame: Frames, height: int, width: int) -> Frames:
    """(h w c) to (height width c): each axis that shrinks by area, then each that grows bicubic."""
    h, w, _ = frame.shape
    smaller = cv2.resize(frame, (min(w, width), min(h, height)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(smaller, (width, height), interpolation=cv2.INTER_CUBIC))


def _scale_with_alpha(frame: Frames, height: int, width: int) -> Frames:
    """Colours weighted by alpha, so that what nobody sees does not bleed into the edges (Porter and Duff 1984)."""
    premultiplied = frame.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    scaled = _scale_frame(premultiplied, height, width)
    alpha = scaled[..., 3:].clip(0, 255)
    scaled[..., :3] *= 255 / np.maximum(alpha, 1)
    return scaled.round().clip(0, 255).astype(np.uint8)


def _cell(clip: Clip, length: int, height: int, width: int) -> Frames:
    """RGB frames (length height width 3): over black, fitted in, standing still at the end."""
    frames = resize(clip.frames, height, width, "contain")
    if frames.shape[-1] == 4:
        frames = (frames[..., :3] * (frames[..., 3:] / 255)).round().astype(np.uint8)
    still = np.repeat(frames[-1:], length - len(frames), axis=0)
    return np.concatenate([frames, still])


def _label(text: str, width: int) -> npt.NDArray[np.uint8]:
    """(LABEL_HEIGHT width 3): white on black, as much of the text as fits (Latin letters, as OpenCV's font has)."""
    strip = np.zeros((LABEL_HEIGHT, width, 3), np.uint8)
    cv2.putText(strip, text, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1, cv2.LINE_AA)
    return strip
