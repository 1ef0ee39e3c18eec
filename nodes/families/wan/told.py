"""What Wan's image-to-video DiTs are told of the given frames: more channels beside those that are made."""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor

from assets.values import Patches
from nodes.families.rows import as_latent


def mask_and_latent(patches: Patches, stride: int) -> Tensor:
    """(1 stride+c t h w): for each of a latent row's frames 1 where it is given, and the latent of the padded clip.

    The first row's one frame fills all `stride` channels; in a row that is given in part it is the last frames that
    are (diffusers pipelines/wan, pipeline_wan_i2v.py, prepare_latents).
    """
    (t, h, w), (pt, ph, pw) = patches.grids[0], patches.patch
    shares = rearrange(1 - torch.as_tensor(patches.noise).float(), "(t h w) -> 1 1 t h w", t=t, h=h, w=w)
    cells = repeat(shares, "b c t h w -> b c (t pt) (h ph) (w pw)", pt=pt, ph=ph, pw=pw)
    counted = torch.arange(stride, 0, -1).view(-1, 1, 1, 1)
    mask = (cells * stride).round() >= counted
    latent = as_latent(patches)
    return torch.cat([mask.to(latent), latent], dim=1)
