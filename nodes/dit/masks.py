"""Which tokens are given and which are to be made: the arrangements that one DiT is trained for.

Each stands for a task: none, text to video; first, animate an image; last, both, prefix, suffix, extend, loop and
connect; box, inpaint; random, keyframes and sparse hints.
"""

from __future__ import annotations

import random

import torch
from einops import rearrange
from torch import Tensor

from nodes.patches.layout import Triple

ARRANGEMENTS = ("first", "last", "both", "prefix", "suffix", "box", "random")


def given_tokens(rng: random.Random, grid: Triple, *, none: float = 0.7) -> Tensor:
    """A random arrangement of a grid (t h w): (n,) bool, true where the token is given. At least one is to be made.

    With probability `none`, and always for a single frame's time arrangements, nothing is given.
    """
    t, h, w = grid
    given = torch.zeros(t, h, w, dtype=torch.bool)
    if rng.random() >= none:
        match rng.choice(ARRANGEMENTS if t > 1 else ("box", "random")):
            case "first":
                given[0] = True
            case "last":
                given[-1] = True
            case "both":
                given[0] = given[-1] = t > 2
            case "prefix":
                given[: rng.randint(1, t - 1)] = True
            case "suffix":
                given[rng.randint(1, t - 1) :] = True
            case "box":  # all but a box is given, or the box alone
                top, left = rng.randrange(h), rng.randrange(w)
                bottom, right = rng.randint(top + 1, h), rng.randint(left + 1, w)
                given[:, top:bottom, left:right] = True
                given = given if rng.random() < 0.5 else ~given
            case "random":
                share = rng.random()
                given = torch.tensor([rng.random() < share for _ in range(t * h * w)]).view(t, h, w)
    if given.all():
        given = torch.zeros_like(given)
    return rearrange(given, "t h w -> (t h w)")
