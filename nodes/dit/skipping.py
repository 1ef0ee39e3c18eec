"""Lossy: a step whose input has hardly changed adds what the blocks added before, in the manner of TeaCache."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from assets.values.array import Array


class Skips:
    """When to run the blocks of a DiT again (Liu et al. 2024, without their fitted polynomial).

    The relative change of the first block's modulated input is summed over the steps, and the blocks are run once the
    sum has reached `threshold`; until then what they added to the tokens is added again. Asking costs a wait for the
    device at every step.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._changed = 0.0
        self._seen: Tensor | None = None
        self._added: Tensor | None = None

    def again(self, modulated: Tensor) -> Tensor | None:
        """What the blocks are taken to add (b n d), or None: run them. modulated (b n d): the first one's input."""
        if self._seen is None or self._added is None:
            self._seen = modulated
            return None
        self._changed += float((modulated - self._seen).abs().mean() / self._seen.abs().mean())
        self._seen = modulated
        return self._added if self._changed < self.threshold else None

    def ran(self, added: Tensor) -> None:
        """The blocks were run and added this (b n d)."""
        self._added, self._changed = added, 0.0

    def written(self) -> dict[str, Tensor]:
        """All of it, to keep with a step."""
        if self._seen is None or self._added is None:
            return {}
        changed = torch.tensor(self._changed, dtype=torch.float64)
        return {"seen": self._seen.cpu(), "added": self._added.cpu(), "changed": changed}

    def read(self, kept: Mapping[str, Array], device: str | torch.device) -> None:
        """Go on from what was `written`."""
        self._seen, self._added = (torch.as_tensor(kept[name]).to(device) for name in ("seen", "added"))
        self._changed = float(torch.as_tensor(kept["changed"]))
