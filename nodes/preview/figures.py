"""What the page draws by itself: which patches are given, and how much each token is attended to. No torch."""

from functools import singledispatch
from itertools import pairwise
from typing import Any

import numpy as np

from assets.values import Conditioning, Patches
from assets.values.array import Arrays
from assets.values.patches import grid_tokens
from nodes.preview.colours import floats


@singledispatch
def figures(value: Any) -> dict[str, Any]:
    """The figures of a value as JSON; ValueError for what has none."""
    raise ValueError(f"a {type(value).__name__} has no figures of its own; patches and a conditioning have")


@figures.register
def _(value: Patches) -> dict[str, Any]:
    """clips: of each its grid (t, h, w) in patches, and the noise level of every patch in the order of the tokens (of
    one, where all are alike). cells: of a patch, (t, h, w) of the latent."""
    ends = np.cumsum([0, *(grid_tokens(grid) for grid in value.grids)])
    levels = [_levels(floats(value.noise)[start:end]) for start, end in pairwise(ends)]
    return {
        "tokens": int(ends[-1]),
        "dim": value.tokens.shape[1],
        "cells": value.patch,
        "space": value.space,
        "fps": value.fps,
        "lead": value.lead,
        "beside": _shapes(value.beside),
        "clips": [{"grid": grid, "noise": noise} for grid, noise in zip(value.grids, levels, strict=True)],
    }


@figures.register
def _(value: Conditioning) -> dict[str, Any]:
    """lengths: of each token's vector. shares: of the encoder's attention; empty where it does not say. empty: how many
    tokens the empty text has, which guidance leads away from."""
    return {
        "words": value.words,
        "shares": value.attention,
        "lengths": [round(float(length), 3) for length in np.linalg.norm(floats(value.embeds), axis=1)],
        "dim": value.embeds.shape[1],
        "encoder": value.encoder,
        "empty": value.null.shape[0],
        "extras": _shapes(value.extras),
    }


def _levels(noise: Any) -> list[float]:
    levels = [round(float(level), 3) for level in noise]
    return levels[:1] if len(set(levels)) == 1 else levels


def _shapes(arrays: Arrays) -> list[tuple[str, list[int]]]:
    return [(name, list(array.shape)) for name, array in arrays.items()]
