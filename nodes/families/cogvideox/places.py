"""Where CogVideoX takes its patches to be: the rotary embedding of a grid (diffusers pipelines/cogvideo)."""

from __future__ import annotations

from typing import Any

from diffusers.models.embeddings import get_3d_rotary_pos_embed
from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid
from torch import Tensor

from assets.values.patches import Grid


def rotary(config: Any, grid: Grid, device: str) -> tuple[Tensor, Tensor] | None:
    """Cosines and sines (n d) for a grid in patches; None for a transformer that adds sines to its tokens (the 2B).

    1.0 was trained at one size: a grid of another is laid over that size's middle. 1.5 counts from its corner.
    """
    if not config.use_rotary_positional_embeddings:
        return None
    t, h, w = grid
    high, wide = config.sample_height // config.patch_size, config.sample_width // config.patch_size
    if config.patch_size_t is None:
        way = {"crops_coords": get_resize_crop_region_for_grid((h, w), wide, high)}
    else:
        way = {"crops_coords": None, "grid_type": "slice", "max_size": (high, wide)}
    made: tuple[Tensor, Tensor] = get_3d_rotary_pos_embed(
        embed_dim=config.attention_head_dim, grid_size=(h, w), temporal_size=t, device=device, **way
    )
    return made
