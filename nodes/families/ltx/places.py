"""Where tokens are for LTX-Video, and which of those that are given stand beside the canvas.

A latent row after the first stands for eight frames, but one that was encoded from an image for that frame alone. So
from version 0.9.5 on the makers give an image at a frame as tokens of its own at that time, and the row of the canvas
that covers it is made like the others (diffusers pipelines/ltx, `LTXConditionPipeline.prepare_latents`). Here that is
done with each row after the first that is given with no other given next to it: it stands for its last frame. A clip
that is given later than at the start goes beside the canvas with its first two rows, which a canvas from frames says
under "keys": the first was encoded from one frame alone. All other rows of a clip stay on the canvas as they are.
"""

from __future__ import annotations

from typing import TypedDict

import torch
from einops import rearrange
from torch import Tensor

from assets.values import Patches
from assets.values.patches import Grid
from nodes.patches.layout import Triple


class Places(TypedDict, total=False):
    """Arguments of diffusers' LTXVideoTransformer3DModel: sizes and a scale, or the coordinates themselves."""

    num_frames: int
    height: int
    width: int
    rope_interpolation_scale: tuple[float, float, float]
    video_coords: Tensor


def latent_places(grid: Grid, fps: float, stride: Triple) -> Places:
    """Before version 0.9.5: every latent row is `stride` frames after the one before it."""
    time, high, wide = stride
    t, h, w = grid
    return {"num_frames": t, "height": h, "width": w, "rope_interpolation_scale": (time / fps, high, wide)}


def keyed_places(grid: Grid, patch: Triple, stride: Triple, fps: float, keys: list[int]) -> Tensor:
    """(1 3 n) seconds and pixels of the tokens: those of the rows `keys`, beside the canvas, then the canvas's own.

    A row of the canvas is at its first frame, and so is one beside it that follows another; any other beside it is at
    the frame that it stands for.
    """
    t, h, w = grid
    time = patch[0] * stride[0]
    firsts = (torch.arange(t) * time + 1 - stride[0]).clamp(min=0)
    beside = [int(firsts[row]) if row - 1 in keys else row * time for row in keys]
    frames = torch.cat([torch.tensor(beside, dtype=torch.long), firsts])
    rows, columns = torch.arange(h) * patch[1] * stride[1], torch.arange(w) * patch[2] * stride[2]
    places = torch.stack(torch.meshgrid(frames, rows, columns, indexing="ij")).float()
    places[0] *= 1.0 / fps
    return rearrange(places, "a t h w -> 1 a (t h w)")


def key_rows(patches: Patches) -> list[int]:
    """The rows of time that are given beside the canvas: by themselves, after the first, or as a clip's first ones."""
    if len(patches.grids) != 1:
        return []
    given = [*(_rows(torch.as_tensor(patches.noise), patches) == 0).all(1).tolist(), False]
    alone = {row for row in range(1, len(given) - 1) if given[row] and not given[row - 1] and not given[row + 1]}
    led = torch.as_tensor(patches.beside["keys"]).tolist() if "keys" in patches.beside else []
    return sorted(alone.union(led))


def key_tokens(patches: Patches, rows: list[int]) -> Tensor:
    """The tokens (1 k d) of some rows of time."""
    tokens = torch.as_tensor(patches.tokens)
    return rearrange(_rows(tokens, patches)[rows], "t hw d -> 1 (t hw) d") if rows else tokens[None, :0]


def without_keys(patches: Patches) -> Tensor:
    """The noise level (n,) of each token of the canvas, where those given beside it are made there."""
    noise, keys = torch.as_tensor(patches.noise), key_rows(patches)
    if not keys:
        return noise
    rows = _rows(noise, patches).clone()
    rows[keys] = 1
    return rows.flatten()


def _rows(entries: Tensor, patches: Patches) -> Tensor:
    """(n ...) of a canvas of one clip -> (t hw ...)."""
    return rearrange(entries, "(t hw) ... -> t hw ...", t=patches.grids[0][0])
