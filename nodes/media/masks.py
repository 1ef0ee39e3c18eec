"""Masks drawn by numbers. `mask_box` is in `nodes.media.nodes`, with `crop`, whose box it shares."""

from typing import Annotated

import numpy as np

from assets.values import Clip, ClipSpec, Mask, MaskSpec
from nodes.api import Range, SpecError, node


def mask_frames_spec(clip: ClipSpec, start: int, frames: int, invert: bool) -> MaskSpec:
    if start + frames > clip.frames or start >= clip.frames:
        raise SpecError(
            f"Got {frames or 'all'} frames from frame {start} on in a clip of {clip.frames}. Ask for fewer, or start "
            "earlier."
        )
    return MaskSpec(clip.frames, clip.height, clip.width)


@node(
    version=1,
    category="media",
    spec=mask_frames_spec,
    label="Frame mask",
    keywords=("time", "inpaint", "interval", "keyframe"),
)
def mask_frames(
    clip: Annotated[Clip, "The clip that the mask is for: it takes its size and length."],
    *,
    start: Annotated[int, Range(0, 1_000_000), "First frame that is made anew, counted from 0."] = 0,
    frames: Annotated[int, Range(0, 100_000), "How many frames are made anew; 0: all from the first on."] = 0,
    invert: Annotated[bool, "On: these frames are kept, and all others are made anew."] = False,
) -> Mask:
    """Say by time what is made anew: whole frames."""
    weight = np.full(clip.frames.shape[:3], float(invert), np.float32)
    weight[start : start + frames if frames else None] = 1 - invert
    return Mask(weight)
