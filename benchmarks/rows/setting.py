"""What the rows share: models, judge, how many clips, and where contact sheets go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assets.values import Clip
from benchmarks.judge.model import Judge
from benchmarks.judge.verdicts import Verdict, judged
from benchmarks.sheet import tile, write_tiles
from benchmarks.studio import Studio, tensors
from nodes.world.scene import Scene


@dataclass(frozen=True)
class Row:
    """One line of the table. met: whether the bar is; None where there is none."""

    task: str
    clips: int
    figures: str
    bar: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Setting:
    """clips: how many at most, for each figure. sheets: a folder for contact sheets; None for none."""

    studio: Studio
    judge: Judge
    clips: int
    sheets: Path | None = None
    seed: int = 0

    def verdicts(self, scenes: Sequence[Scene], clips: Sequence[Clip]) -> list[Verdict]:
        return judged(self.judge, scenes, tensors(clips))

    def show(self, name: str, texts: Sequence[str], clips: Sequence[Clip], verdicts: Sequence[Verdict] = ()) -> None:
        """A contact sheet of the first 24 clips, eight frames each."""
        if self.sheets is None:
            return
        tiles = []
        for number, (text, clip) in enumerate(list(zip(texts, clips, strict=True))[:24]):
            seen = [one for one in verdicts if one.clip == number]
            wrong = [
                f"{k}: {v.seen[k]}, not {value}" for v in seen for k, value in v.facts.items() if v.seen[k] != value
            ]
            tiles.append(tile(clip, text, "; ".join(wrong), bad=bool(wrong), shown=8))
        write_tiles(self.sheets / f"{name}.png", tiles, 2)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"
