"""A contact sheet: four frames of each clip, its prompt, and what the judge saw where that is not what was asked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from einops import rearrange

from assets.values import Clip
from benchmarks.judge.verdicts import Verdict
from benchmarks.prompts import Asked

COLUMNS = 4
_SHOWN, _HEIGHT, _LINE, _LINES = 4, 128, 15, 5
_INK, _WRONG, _RIGHT = (40, 40, 40), (30, 30, 200), (60, 130, 30)  # blue, green, red


def write_sheet(path: Path, asked: Sequence[Asked], clips: Sequence[Clip], verdicts: Sequence[Verdict]) -> None:
    """Clips of one size, to a PNG file."""
    tiles = []
    for number, (one, clip) in enumerate(zip(asked, clips, strict=True)):
        found = [verdict for verdict in verdicts if verdict.clip == number]
        wrong = [f"{k}: {v.seen[k]}, not {value}" for v in found for k, value in v.facts.items() if v.seen[k] != value]
        kind = "held out" if one.held_out else "trained"
        tiles.append(tile(clip, one.prompt, f"[{kind}] {'; '.join(wrong) or 'right'}", bad=bool(wrong)))
    write_tiles(path, tiles, COLUMNS)


def write_tiles(path: Path, tiles: Sequence[np.ndarray], columns: int) -> None:
    """Tiles (h w 3), blue first, of one size, to a PNG file."""
    tiles = [*tiles, *([np.full_like(tiles[0], 255)] * (-len(tiles) % columns))]
    sheet = rearrange(np.stack(tiles), "(rows columns) h w c -> (rows h) (columns w) c", columns=columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), sheet):
        raise OSError(f"could not write the contact sheet to {path}; choose a PNG file in a folder that can be written")


def tile(clip: Clip, text: str, remark: str, *, bad: bool, shown: int = _SHOWN) -> np.ndarray:
    """`shown` frames of a clip in a row with text below: (h w 3), blue first."""
    numbers = np.linspace(0, len(clip.frames) - 1, shown).round().astype(int)
    frames = np.pad(clip.frames[numbers], ((0, 0), (0, 0), (0, 2), (0, 0)), constant_values=255)  # a line between them
    picture = rearrange(frames, "t h w c -> h (t w) c")[..., ::-1]
    scale = _HEIGHT / picture.shape[0]
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    label = np.full((_LINE * _LINES + 6, picture.shape[1], 3), 255, np.uint8)
    lines = textwrap.wrap(text, picture.shape[1] // 6)[: _LINES - 1]
    for number, line in enumerate(lines):
        _write(label, line, number, _INK)
    _write(label, remark, len(lines), _WRONG if bad else _RIGHT)
    return cv2.copyMakeBorder(np.vstack([picture, label]), 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _write(label: np.ndarray, text: str, line: int, ink: tuple[int, int, int]) -> None:
    cv2.putText(label, text, (2, _LINE * (line + 1) - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.36, ink, 1, cv2.LINE_AA)
