"""Packed tokens for models that take one clip at a time, as a latent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assets.values import Patches
from assets.values.array import Array
from assets.values.patches import Grid, grid_tokens
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.skipping import Skips
from nodes.families.skipping import skipping
from nodes.patches.layout import patchify, unpatchify

PredictClip = Callable[[Tensor, Tensor], Tensor]
"""(latent (1 c t h w), levels (1 n) of its tokens, or (1 1): one for all) -> prediction (1 c t h w)."""


def clip_by_clip(
    requests: Sequence[Request],
    predictor: Callable[[Request, Grid], PredictClip],
    skips: Skips | None,
    *networks: Sequence[nn.Module],
) -> Predict:
    """A prediction for requests packed in one row, made for each clip by itself.

    networks: the blocks, in order, of each network that may do it; `skips` says when most of them are left out.
    """
    clips = [(grid, request.patches.patch, predictor(request, grid)) for request in requests
             for grid in request.patches.grids]  # fmt: skip
    if skips:
        clips = [
            (grid, patch, _skipped(one, skips, str(number), networks))
            for number, (grid, patch, one) in enumerate(clips)
        ]
    counts = [grid_tokens(grid) for grid, _, _ in clips]

    def predict(x: Tensor, t: Tensor) -> Tensor:
        levels = torch.split(t, counts, dim=1) if t.shape[1] > 1 else [t] * len(counts)
        made = [
            patchify(one(unpatchify(tokens, grid, patch), level), patch)
            for (grid, patch, one), tokens, level in zip(clips, torch.split(x, counts, dim=1), levels, strict=True)
        ]
        return torch.cat(made, dim=1)

    return predict


def _skipped(one: PredictClip, skips: Skips, name: str, networks: Sequence[Sequence[nn.Module]]) -> PredictClip:
    def predict(latent: Tensor, levels: Tensor) -> Tensor:
        with ExitStack() as stack:
            for number, blocks in enumerate(networks):
                stack.enter_context(skipping(blocks, skips.part(f"{name} {number}")))
            return one(latent, levels)

    return predict


def as_latent(patches: Patches) -> Tensor:
    """The clean content of a canvas of one clip: (1 c t h w)."""
    return unpatchify(torch.as_tensor(patches.tokens)[None], patches.grids[0], patches.patch)


def text_rows(rows: Array, like: Any, device: str, length: int = 0) -> Tensor:
    """A text's rows (m d) for a network `like` this one: (1 m d), with rows of zeros up to `length`."""
    text = torch.as_tensor(rows).to(device, like.dtype)
    return F.pad(text, (0, 0, 0, max(0, length - len(text))))[None]


def guided_by(scale: float, text: Callable[[], Tensor], without: Callable[[], Tensor]) -> Tensor:
    """without + scale (text - without); at scale 1 the text's alone, by one forward."""
    if scale == 1:
        return text()
    with_text, null = text(), without()
    return null + scale * (with_text - null)
