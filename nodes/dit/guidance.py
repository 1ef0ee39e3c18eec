"""Classifier-free guidance (Ho & Salimans 2022)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nodes.curve import read
from nodes.dit.model import DiT
from nodes.dit.skipping import Skips
from nodes.text_encoder.model import Encoded

Predict = Callable[[Tensor, Tensor], Tensor]
"""(tokens (b n d), levels (b n)) -> the DiT's prediction (b n d)."""
Scale = float | Tensor


def guided(
    dit: DiT,
    coords: Tensor,
    text: Encoded,
    null: Encoded,
    scale: Scale | Callable[[], Scale],
    lengths: Sequence[int] | None = None,
    skips: Skips | None = None,
) -> Predict:
    """null + scale (text - null), both in one batch; at scale 1 the text's branch alone.

    The texts are read here, once, and not at every step. coords (n 3). text: (b m d), null: (1 m' d); with the
    `lengths` of several clips in the row (1 clips m d) and (1 clips m' d), and the scale may be (n 1). A scale that
    changes is asked for each time. skips: as in `DiT.denoise`.
    """
    if isinstance(scale, int | float) and scale == 1:
        alone = dit.read_text(*text)
        return lambda x, t: dit.denoise(x, coords.expand(len(x), -1, -1), t, alone, lengths, skips)

    both = dit.read_text(*_stack(text, null))

    def predict(x: Tensor, t: Tensor) -> Tensor:
        pairs = torch.cat([x, x]), coords.expand(2 * len(x), -1, -1), torch.cat([t, t])
        with_text, without = dit.denoise(*pairs, both, lengths, skips).chunk(2)
        return without + (scale() if callable(scale) else scale) * (with_text - without)

    return predict


def over_steps(guidance: float, curve: str, steps: int) -> list[float]:
    """The guidance in each step: 1 where the curve is 0, all of it where it is 1; [] for no curve.

    Guidance does most in the middle of the way; a limited interval of it keeps variety (Kynkäänniemi et al. 2024).
    """
    if not curve:
        return []
    points = read(curve, 0, 1)
    shares = [points.at(step / max(1, steps - 1)) for step in range(steps)]
    return [(1 - share) + share * guidance for share in shares]


def _stack(text: Encoded, null: Encoded) -> Encoded:
    """The text's rows, then as many of the null text, padded to equal length."""
    null = Encoded(*(part.expand(text.text.shape[0], *part.shape[1:]) for part in null))
    length = max(text.text.shape[-2], null.text.shape[-2])
    padded = [padded_to(length, one) for one in (text, null)]
    return Encoded(torch.cat([one.text for one in padded]), torch.cat([one.mask for one in padded]))


def padded_to(length: int, encoded: Encoded) -> Encoded:
    """With padding after its words (... m d), up to `length`."""
    more = length - encoded.text.shape[-2]
    return Encoded(F.pad(encoded.text, (0, 0, 0, more)), F.pad(encoded.mask, (0, more)))
