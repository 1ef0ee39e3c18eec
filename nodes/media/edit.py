"""Clips rearranged in time, and one laid over another."""

from typing import Annotated

import numpy as np

from assets.values import Clip, ClipSpec, Mask, MaskSpec
from nodes.api import Range, SpecError, node


def last_frames_spec(clip: ClipSpec, frames: int) -> ClipSpec:
    if frames > clip.frames:
        raise SpecError(
            f"Asked for the last {frames} frames of a clip of {clip.frames}. Ask for {clip.frames} or fewer."
        )
    return ClipSpec(frames, clip.height, clip.width, clip.fps, clip.channels)


@node(version=1, category="media", spec=last_frames_spec, label="Last frames", keywords=("trim", "end", "tail", "cut"))
def last_frames(
    clip: Annotated[Clip, "What is to be shortened."],
    *,
    frames: Annotated[int, Range(1, 100_000), "How many frames are kept, 1 + 4k for the built-in VAE."] = 5,
) -> Clip:
    """Keep the end of a clip, for instance to go on from there."""
    return Clip(np.ascontiguousarray(clip.frames[-frames:]), clip.fps)


def hold_spec(clip: ClipSpec, frames: int) -> ClipSpec:
    return ClipSpec(clip.frames - 1 + frames, clip.height, clip.width, clip.fps, clip.channels)


@node(version=1, category="media", spec=hold_spec, label="Hold", keywords=("freeze", "repeat", "still", "image"))
def hold(
    clip: Annotated[Clip, "An image, or a clip that is to stop at its last frame."],
    *,
    frames: Annotated[int, Range(1, 100_000), "How many frames the last frame lasts, 1 + 4k for an image."] = 5,
) -> Clip:
    """Let the last frame last: an image becomes a clip that holds still."""
    held = np.repeat(clip.frames[-1:], frames, axis=0)
    return Clip(np.concatenate([clip.frames[:-1], held]), clip.fps)


def reverse_spec(clip: ClipSpec) -> ClipSpec:
    return clip


@node(version=1, category="media", spec=reverse_spec, label="Reverse", keywords=("backwards", "rewind", "time"))
def reverse(clip: Annotated[Clip, "What is to run backwards."]) -> Clip:
    """Play a clip backwards."""
    return Clip(np.ascontiguousarray(clip.frames[::-1]), clip.fps)


def composite_spec(under: ClipSpec, over: ClipSpec, mask: MaskSpec) -> ClipSpec:
    if (under.frames, under.height, under.width) != (over.frames, over.height, over.width):
        raise SpecError(f"Got {over} over {under}; they need one size and length. Resize or trim one of them.")
    if 4 in (under.channels, over.channels):
        raise SpecError("Got a clip with alpha; put the flatten node before it.")
    if (mask.height, mask.width) != (under.height, under.width) or mask.frames not in (1, under.frames):
        raise SpecError(f"Got a {mask} for {under}; make the mask of a clip of that size and length.")
    return under


@node(
    version=1, category="media", spec=composite_spec, label="Composite", keywords=("blend", "paste", "overlay", "mask")
)
def composite(
    under: Annotated[Clip, "What is seen where the mask is 0."],
    over: Annotated[Clip, "What is seen where the mask is 1."],
    mask: Annotated[Mask, "Of the clips' size, of their length or of one frame; between 0 and 1 both are blended."],
) -> Clip:
    """Lay one clip over another by a mask; where it is 0, the lower clip stays as it is, pixel for pixel."""
    weight = np.asarray(mask.weight, np.float32)[..., None]
    blended = under.frames + weight * (over.frames.astype(np.float32) - under.frames)
    return Clip(blended.round().astype(np.uint8), under.fps)
