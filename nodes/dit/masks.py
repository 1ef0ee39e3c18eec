"""Which tokens are given and which are to be made: the arrangements that one DiT is trained for.

Each stands for a task: none, text to video; first, animate an image; last, ends, prefix, suffix, extend, loop and
connect; box, in- and outpaint; random, keyframes and sparse hints.
"""

from __future__ import annotations

import random

import torch
from einops import rearrange
from torch import Tensor

from nodes.patches.layout import Triple

ARRANGEMENTS = ("first", "last", "ends", "prefix", "suffix", "box", "frames", "random")


def given_tokens(rng: random.Random, grid: Triple, *, some: float = 0.3, window: bool = False) -> Tensor:
    """A random arrangement of a grid (t h w): (n,) bool, true where the token is given. At least one is to be made.

    some: how often any token is given. window: the clip goes on from one before it, so that mostly its first frames
    are given. A single frame has no arrangement in time.
    """
    t, h, w = grid
    given = torch.zeros(t, h, w, dtype=torch.bool)
    if rng.random() < (max(some, 0.7) if window else some):
        arrangements = ("prefix",) if window else ARRANGEMENTS if t > 1 else ("box", "random")
        match rng.choice(arrangements):
            case "first":
                given[0] = True
            case "last":
                given[-1] = True
            case "ends":
                before, after = rng.randint(1, max(1, t // 2)), rng.randint(1, max(1, t // 2))
                given[:before] = given[-after:] = before + after < t
            case "prefix":
                given[: rng.randint(1, t - 1)] = True
            case "suffix":
                given[rng.randint(1, t - 1) :] = True
            case "box":  # all but a box is given, or the box alone
                top, left = rng.randrange(h), rng.randrange(w)
                bottom, right = rng.randint(top + 1, h), rng.randint(left + 1, w)
                given[:, top:bottom, left:right] = True
                given = given if rng.random() < 0.5 else ~given
            case "frames":
                given[[rng.random() < 0.4 for _ in range(t)]] = True
            case "random":
                share = rng.random()
                given = torch.tensor([rng.random() < share for _ in range(t * h * w)]).view(t, h, w)
    if given.all():
        given = torch.zeros_like(given)
    return rearrange(given, "t h w -> (t h w)")
