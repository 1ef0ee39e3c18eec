"""Shares of attention as heat over the frames that they are about. No torch here."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from nodes.preview.colours import Bytes
from nodes.preview.drawing import Floats

WHITE = (255, 255, 255)


def overlay(frames: Bytes, heat: Floats, patch_time: int = 1, mark: tuple[int, int, int] | None = None) -> Bytes:
    """Frames (f h w 3) in dim grey with heat (t gh gw) over them; what is looked at most is brightest.

    patch_time: latent frames to a step of the heat. The frames are latent frames, or, f = 1 + k (latent frames - 1),
    those of the decoded clip: the first latent frame for one, the others for k each. mark: (t, row, column) of a cell
    to be framed.
    """
    steps = _steps(len(heat), patch_time, len(frames))
    warm = _warm(heat, frames.shape[1:3])[steps]
    grey = frames.astype(np.float32).mean(-1, keepdims=True)
    mixed: Bytes = (0.35 * grey + warm.astype(np.float32)).clip(0, 255).round().astype(np.uint8)
    if mark:
        _frame(mixed, np.flatnonzero(steps == mark[0]), heat.shape[1:], mark[1:])
    return mixed


def _warm(heat: Floats, size: tuple[int, int]) -> Bytes:
    """(t gh gw) in colour at the frames' size. Roots, since attention is peaked: half of the brightest shows as 0.7."""
    relative = np.sqrt(heat / max(float(heat.max()), 1e-12))
    cells = [cv2.resize(cell, size[::-1], interpolation=cv2.INTER_NEAREST) for cell in relative]
    colours = [cv2.applyColorMap((cell * 255).astype(np.uint8), cv2.COLORMAP_INFERNO) for cell in cells]
    return np.stack(colours)[..., ::-1]


def _steps(steps: int, patch_time: int, frames: int) -> npt.NDArray[np.int64]:
    """For each frame the step of the heat that it belongs to."""
    latent_frames = steps * patch_time
    each = (frames - 1) // max(1, latent_frames - 1)
    return -(-np.arange(frames) // max(1, each)) // patch_time


def _frame(frames: Bytes, which: npt.NDArray[Any], grid: tuple[int, ...], cell: tuple[int, ...]) -> None:
    """Frame a cell of a grid (rows, columns) in some of the frames, in place."""
    _, height, width, _ = frames.shape
    edges = [
        (at * side // cells, (at + 1) * side // cells - 1)
        for at, side, cells in zip(cell, (height, width), grid, strict=True)
    ]
    (top, bottom), (left, right) = edges
    for index in which:
        frames[index] = cv2.rectangle(np.ascontiguousarray(frames[index]), (left, top), (right, bottom), WHITE)
