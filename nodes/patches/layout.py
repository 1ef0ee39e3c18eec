"""Latents as spacetime patches: pure rearrangements. Torch only at call time, by the tensors given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einops import rearrange

if TYPE_CHECKING:
    from torch import Tensor

Triple = tuple[int, int, int]
"""(time, height, width)."""


def patchify(latent: Tensor, patch: Triple) -> Tensor:
    """(b c t h w) -> tokens (b n c*pt*ph*pw), in the order t, h, w; a token's entries in the order c, pt, ph, pw."""
    pt, ph, pw = patch
    return rearrange(latent, "b c (t pt) (h ph) (w pw) -> b (t h w) (c pt ph pw)", pt=pt, ph=ph, pw=pw)


def unpatchify(tokens: Tensor, grid: Triple, patch: Triple) -> Tensor:
    """Tokens (b n d) of a grid of t x h x w patches -> latent (b c t*pt h*ph w*pw): the inverse of `patchify`."""
    (t, h, w), (pt, ph, pw) = grid, patch
    pattern = "b (t h w) (c pt ph pw) -> b c (t pt) (h ph) (w pw)"
    return rearrange(tokens, pattern, t=t, h=h, w=w, pt=pt, ph=ph, pw=pw)


def grid_coords(t: int, h: int, w: int, *, start: int = 0) -> Tensor:
    """Where each token of a grid is: (t*h*w 3) float, in patches. Height and width count from the centre.

    start: the time of the first row; above 0 where the grid is cut out of a longer one.

    Centred, so that the middle of any frame has the same coordinates, whatever its size.
    """
    import torch

    axes = (torch.arange(start, start + t).float(), torch.arange(h) - (h - 1) / 2, torch.arange(w) - (w - 1) / 2)
    return rearrange(torch.stack(torch.meshgrid(*axes, indexing="ij")), "a t h w -> (t h w) a")
