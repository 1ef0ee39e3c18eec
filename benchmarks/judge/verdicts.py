"""What the judge says of clips beside what their scenes show, and the shares that are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from benchmarks.judge.kinds import views
from benchmarks.judge.model import ATTRIBUTES, Judge
from nodes.world.scene import Scene

ASKED = ("colour", "background", "shape", "motion")
"""What counts as all that is asked for: "all" in the shares. Pattern and camera are told apart from it."""


@dataclass(frozen=True)
class Verdict:
    """Of one thing of one clip: what is to be seen (attribute -> value), and what the judge sees."""

    clip: int
    facts: dict[str, str]
    seen: dict[str, str]

    @property
    def right(self) -> bool:
        """Whether all of colour, background, shape and motion that can be seen are as asked."""
        return all(self.seen[name] == value for name, value in self.facts.items() if name in ASKED)


def judged(judge: Judge, scenes: Sequence[Scene], clips: Sequence[Tensor] | Tensor) -> list[Verdict]:
    """The verdict on every thing that can be judged of every clip (3 t h w), in the clips' order."""
    verdicts = []
    for view in views(scenes, clips):
        seen = judge.judge(view.clips)
        verdicts += [
            Verdict(number, look.facts, said) for number, look, said in zip(view.numbers, view.looks, seen, strict=True)
        ]
    return sorted(verdicts, key=lambda verdict: verdict.clip)


def shares(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """The share right of each attribute where it can be seen, and of clips that have "all" right of all things."""
    right: dict[str, float] = {}
    for name in ATTRIBUTES:
        marks = [verdict.seen[name] == verdict.facts[name] for verdict in verdicts if name in verdict.facts]
        if marks:
            right[name] = sum(marks) / len(marks)
    wrong = {verdict.clip for verdict in verdicts if not verdict.right}
    return right | {"all": 1 - len(wrong) / len({verdict.clip for verdict in verdicts})}
