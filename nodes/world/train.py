"""`train(config, out)` for the world, which has nothing to learn: a contact sheet of its clips with their captions."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from einops import rearrange

from nodes.world.captions import caption
from nodes.world.render import render
from nodes.world.scene import sample_scene


@dataclass(frozen=True)
class WorldSheet:
    clips: int = 16
    height: int = 64
    width: int = 64
    frames: int = 17
    every: int = 2
    """Show every second frame."""
    seed: int = 0


def train(config: WorldSheet, out: Path, resume: bool = True) -> None:
    """Write `contact-sheet.png` and `captions.txt` to `out`. Nothing to resume: a seed gives the same sheet."""
    rng = random.Random(config.seed)
    scenes = [sample_scene(rng) for _ in range(config.clips)]
    texts = [caption(scene, rng) for scene in scenes]
    clips = render(scenes, config.height, config.width, config.frames)[:, :, :: config.every]
    rows = rearrange((clips + 1) * 127.5, "b c t h w -> b h (t w) c").round().byte().numpy()
    sheet = np.concatenate([part for row, text in zip(rows, texts, strict=True) for part in (_label(row, text), row)])
    out.mkdir(parents=True, exist_ok=True)
    (out / "captions.txt").write_text("\n".join(texts) + "\n")
    cv2.imwrite(str(out / "contact-sheet.png"), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def _label(row: np.ndarray, text: str) -> np.ndarray:
    """A white strip as wide as the row (h w 3) with the text on it."""
    strip = np.full((14, row.shape[1], 3), 255, np.uint8)
    cv2.putText(strip, text, (3, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (40, 40, 40), 1, cv2.LINE_AA)
    return strip
