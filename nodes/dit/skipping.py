"""Lossy: a step whose input has hardly changed adds what the blocks added before, in the manner of TeaCache."""

from __future__ import annotations

from collections import defaultdict

from torch import Tensor


class Skips:
    """When to run the blocks of a DiT again (Liu et al. 2024, without their fitted polynomial).

    What the first block does with its input is looked at: its relative change is summed over the steps, and the blocks
    are run once the sum has reached `threshold`; until then what they added to the tokens is added again. Asking costs
    a wait for the device at every step.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._parts: defaultdict[str, Part] = defaultdict(lambda: Part(threshold))

    def part(self, name: str) -> Part:
        """That of one network and one clip."""
        return self._parts[name]

    def anew(self) -> bool:
        """Whether all that was asked since the last call was run the first time that it was asked.

        A sampling that goes on from the start of such a step, with nothing remembered, is as if it had never stopped.
        """
        asked = [part.asked for part in self._parts.values() if part.asked]
        made = all(not first for first, *_ in asked)
        for part in self._parts.values():
            part.asked = []
        return made


class Part:
    """added (... d): what the blocks added to the tokens when they were last run, by branch of guidance.

    asked: for each time that it was asked, whether they were to be skipped.
    """

    def __init__(self, threshold: float) -> None:
        self.added: dict[int, Tensor] = {}
        self.asked: list[bool] = []
        self._threshold = threshold
        self._changed = 0.0
        self._seen: Tensor | None = None

    def skip(self, seen: Tensor, branch: int = 0) -> bool:
        """Whether to add what is in `added`; else the blocks are run, and put into it what they add.

        seen: what is looked at. Branches after the first do as that does.
        """
        if branch == 0:
            if self._seen is not None:
                self._changed += float((seen - self._seen).abs().mean() / self._seen.abs().mean())
            self._seen = seen
            self.asked.append(0 in self.added and self._changed < self._threshold)
            if not self.asked[-1]:
                self._changed = 0.0
        return self.asked[-1] and branch in self.added
