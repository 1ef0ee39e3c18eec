"""A contact sheet: four frames of each clip, its prompt, and what the judge saw where that is not what was asked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from benchmarks.prompts import Asked

FRAMES_SHOWN = (0, 5, 10, 16)
COLUMNS = 4
_SCALE, _LINE, _LINES = 2, 15, 5
_INK, _WRONG, _RIGHT = (40, 40, 40), (30, 30, 200), (60, 130, 30)  # blue, green, red


def write_sheet(path: Path, asked: Sequence[Asked], clips: Tensor, verdicts: Sequence[dict[str, str]]) -> None:
    """clips (b 3 t h w) in [-1, 1], to a PNG file."""
    tiles = [_tile(*one) for one in zip(asked, clips, verdicts, strict=True)]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    sheet = rearrange(np.stack(tiles), "(rows columns) h w c -> (rows h) (columns w) c", columns=COLUMNS)
    if not cv2.imwrite(str(path), sheet):
        raise OSError(f"could not write the contact sheet to {path}; choose a PNG file in a folder that can be written")


def _tile(asked: Asked, clip: Tensor, verdict: dict[str, str]) -> np.ndarray:
    """Frames in a row with text below: (h w 3), blue first."""
    frames = F.pad(clip[:, list(FRAMES_SHOWN)], (0, 2), value=1)  # a white line between one frame and the next
    frames = rearrange(frames, "c t h w -> h (t w) c")
    picture = ((frames + 1) * 127.5).round().clamp(0, 255).byte().numpy()[..., ::-1]
    picture = cv2.resize(picture, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_NEAREST)
    label = np.full((_LINE * _LINES + 6, picture.shape[1], 3), 255, np.uint8)
    lines = textwrap.wrap(asked.prompt, 84)[: _LINES - 1]
    for number, line in enumerate(lines):
        _write(label, line, number, _INK)
    wrong = [f"{name}: {verdict[name]}, not {value}" for name, value in asked.facts.items() if verdict[name] != value]
    kind = "held out" if asked.held_out else "trained"
    _write(label, f"[{kind}] {'; '.join(wrong) or 'right'}", len(lines), _WRONG if wrong else _RIGHT)
    return cv2.copyMakeBorder(np.vstack([picture, label]), 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _write(label: np.ndarray, text: str, line: int, ink: tuple[int, int, int]) -> None:
    cv2.putText(label, text, (2, _LINE * (line + 1) - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.36, ink, 1, cv2.LINE_AA)
