"""Classifier-free guidance (Ho & Salimans 2022)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import repeat
from torch import Tensor

from nodes.dit.model import DiT
from nodes.dit.samplers import Predict
from nodes.text_encoder.model import Encoded


def guided(dit: DiT, coords: Tensor, text: Encoded, null: Encoded, scale: float) -> Predict:
    """A `predict` for the samplers: null + scale (text - null), both in one batch; at scale 1 the text's branch alone.

    coords (n 3) or (b n 3). text: (b m d), null: (1 m' d).
    """

    def alone(x: Tensor, t: Tensor) -> Tensor:
        return dit(x, coords.expand(len(x), -1, -1), t, text.text, text.mask)  # type: ignore[no-any-return]

    if scale == 1:
        return alone
    both = _stack(text, null)

    def predict(x: Tensor, t: Tensor) -> Tensor:
        places = coords.expand(len(x), -1, -1)
        pairs = (torch.cat([value, value]) for value in (x, places, t))
        with_text, without = dit(*pairs, both.text, both.mask).chunk(2)
        return without + scale * (with_text - without)  # type: ignore[no-any-return]

    return predict


def _stack(text: Encoded, null: Encoded) -> Encoded:
    """The text's rows (b m d), then as many of the null text, padded to equal length."""
    rows, length = text.text.shape[0], max(text.text.shape[1], null.text.shape[1])
    nulls = Encoded(repeat(null.text, "1 m d -> b m d", b=rows), repeat(null.mask, "1 m -> b m", b=rows))
    padded = [
        Encoded(F.pad(e.text, (0, 0, 0, length - e.text.shape[1])), F.pad(e.mask, (0, length - e.mask.shape[1])))
        for e in (text, nulls)
    ]
    return Encoded(torch.cat([e.text for e in padded]), torch.cat([e.mask for e in padded]))
