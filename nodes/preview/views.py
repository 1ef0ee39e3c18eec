"""Every value as something to look at. No torch here: a server draws these too."""

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from einops import rearrange, repeat

from assets.images import contact_sheet
from assets.media import encode_clip, encode_frames
from assets.values import (
    Clip,
    Conditioning,
    Latent,
    Mask,
    ModelHandle,
    Patches,
    SavedFile,
    Scalar,
    Text,
    Trajectory,
)
from assets.values.patches import Grid, grid_tokens
from nodes.preview.colours import as_latent, coloured, enlarged, enlargement, floats
from nodes.preview.nodes import show_latent
from nodes.preview.steps import after, side_by_side

Way = Literal["components", "channels"]
MASK_FPS = 8.0
GRAIN = 4  # pixels: finer grain looks no better and makes previews many times larger


@dataclass(frozen=True, slots=True)
class View:
    """media_type: an image, a video or text/plain. caption: one line under it. steps: those of a trajectory, else 0.

    tokens: each word that was encoded and its share of the encoder's attention, where that is known.
    """

    media_type: str
    data: bytes
    caption: str
    steps: int = 0
    tokens: tuple[tuple[str, float], ...] = ()


@singledispatch
def view(value: Any) -> View:
    """What stands for a value on the page."""
    return View("text/plain; charset=utf-8", str(value).encode(), type(value).__name__)


@view.register
def _(value: Text) -> View:
    return View("text/plain; charset=utf-8", value.text.encode(), f"{len(value.text.split())} words")


@view.register
def _(value: Scalar) -> View:
    return View("text/plain; charset=utf-8", str(value.value).encode(), "")


@view.register
def _(value: ModelHandle) -> View:
    return View("text/plain; charset=utf-8", f"{value}\n{value.digest[:12]}".encode(), str(value))


@view.register
def _(value: SavedFile) -> View:
    return View("text/plain; charset=utf-8", value.name.encode(), "saved")


@view.register
def _(value: Conditioning) -> View:
    tokens = tuple(zip(value.words, value.attention, strict=True)) if value.attention else ()
    return View("text/plain; charset=utf-8", " · ".join(value.words).encode(), str(value.spec), tokens=tokens)


@view.register
def _(value: Clip) -> View:
    spec = value.spec
    factor = enlargement(spec.height, spec.width)
    large = replace(spec, height=factor * spec.height, width=factor * spec.width)
    # One by one: a long clip is not to be held a second time, and larger.
    frames = (enlarged(value.frames[index : index + 1])[0] for index in range(spec.frames))
    if spec.frames == 1:
        return View("image/png", encode_frames(frames, large, "png"), str(spec))
    ending = "webm" if spec.channels == 4 else "mp4"
    return View(f"video/{ending}", encode_frames(frames, large, ending, quality=85), str(spec))


@view.register
def _(value: Mask) -> View:
    gray = (floats(value.weight) * 255).round().astype(np.uint8)
    return _moving(Clip(enlarged(repeat(gray, "t h w -> t h w c", c=3)), MASK_FPS), str(value.spec))


@view.register
def _(value: Latent) -> View:
    return _moving(coloured(value), str(value.spec))


@view.register
def _(value: Patches) -> View:
    tokens, noise, drawn = floats(value.tokens), floats(value.noise), []
    for grid in value.grids:
        count = grid_tokens(grid)
        clip = coloured(as_latent(tokens[:count], grid, value))
        drawn.append(Clip(_arrangement(clip.frames, noise[:count], grid), clip.fps))
        tokens, noise = tokens[count:], noise[count:]
    return _moving(drawn[0] if len(drawn) == 1 else contact_sheet(drawn, min(len(drawn), 4)), str(value.spec))


@view.register
def _(value: Trajectory) -> View:
    return replace(_moving(side_by_side(value), str(value.spec)), steps=value.spec.steps)


def view_after(value: Any, steps: int) -> View:
    """A trajectory after so many steps, as the clip that was foreseen then; ValueError where there is no such step."""
    if not isinstance(value, Trajectory):
        raise ValueError(f"a {type(value).__name__} has no steps; only a trajectory has")
    return _moving(after(value, steps), f"step {steps} of {value.spec.steps}")


def view_as(value: Any, way: Way) -> View:
    """A latent in another way than by its colours; ValueError for what has no other."""
    if not isinstance(value, Latent):
        raise ValueError(f"a {type(value).__name__} is shown in one way only; a latent has {', '.join(get_args(Way))}")
    return _moving(show_latent(value, view=way), str(value.spec))


def _moving(clip: Clip, caption: str) -> View:
    if clip.spec.frames == 1:
        return View("image/png", encode_clip(clip, "png"), caption)
    return View("image/webp", encode_clip(clip, "webp", quality=80), caption)


def _arrangement(frames: npt.NDArray[Any], noise: npt.NDArray[Any], grid: Grid) -> npt.NDArray[np.uint8]:
    """Frames with the patch grid over them; what is still to be made fades into grain, as far as its noise level."""
    t, h, w = grid
    length, height, width, _ = frames.shape
    level = rearrange(noise, "(t h w) -> t h w", t=t, h=h)
    level = repeat(level, "t h w -> (t p) (h y) (w x) 1", p=length // t, y=height // h, x=width // w)
    grain = np.random.default_rng(0).normal(96, 28, (length, -(-height // GRAIN), -(-width // GRAIN), 1))
    grain = repeat(grain, "t h w 1 -> t (h y) (w x) 1", y=GRAIN, x=GRAIN)[:, :height, :width]
    mixed = frames * (1 - level) + grain * level
    mixed[:, :: height // h] *= 0.8
    mixed[:, :, :: width // w] *= 0.8
    made: npt.NDArray[np.uint8] = mixed.round().clip(0, 255).astype(np.uint8)
    return made
