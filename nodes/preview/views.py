"""Every value as something to look at. No torch here: a server draws these too.

A latent is drawn by a linear map to colour, one small picture a latent frame; the map comes with the VAE's weights
(fitted after its training), or, for a space that has none here, from the latent's three principal components.
"""

from dataclasses import dataclass
from functools import cache, singledispatch
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from einops import rearrange, repeat

from assets.images import contact_sheet
from assets.media import encode_clip
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
from assets.weight_files import BUILTIN, WeightsRefused, read_array, read_metadata

Floats = npt.NDArray[np.float32]
SHORT_SIDE = 256
# A latent frame stands for four frames in the video VAEs of today, so a latent plays at a quarter of the rate.
FRAMES_PER_LATENT_FRAME = 4
MASK_FPS = 8.0
GRAIN = 4  # pixels: finer grain looks no better and makes previews many times larger
STRIP = 8


@dataclass(frozen=True, slots=True)
class View:
    """media_type: an image, a video or text/plain. caption: one line under it."""

    media_type: str
    data: bytes
    caption: str


@singledispatch
def view(value: Any) -> View:
    """What stands for a value on the page."""
    return View("text/plain; charset=utf-8", str(value).encode(), type(value).__name__)


@view.register
def _(value: Text) -> View:
    return View("text/plain; charset=utf-8", value.text.encode(), f"{len(value.text.split())} words")


@view.register
def _(value: Scalar) -> View:
    return View("text/plain; charset=utf-8", str(value.value).encode(), "value")


@view.register
def _(value: ModelHandle) -> View:
    return View("text/plain; charset=utf-8", f"{value}\n{value.digest[:12]}".encode(), str(value))


@view.register
def _(value: SavedFile) -> View:
    return View("text/plain; charset=utf-8", value.name.encode(), "saved")


@view.register
def _(value: Conditioning) -> View:
    return View("text/plain; charset=utf-8", " · ".join(value.words).encode(), str(value.spec))


@view.register
def _(value: Clip) -> View:
    clip = Clip(enlarged(value.frames), value.fps)
    if value.spec.frames == 1:
        return View("image/png", encode_clip(clip, "png"), str(value.spec))
    ending = "webm" if value.spec.channels == 4 else "mp4"
    return View(f"video/{ending}", encode_clip(clip, ending, quality=85), str(value.spec))


@view.register
def _(value: Mask) -> View:
    gray = (_numpy(value.weight) * 255).round().astype(np.uint8)
    return _moving(Clip(enlarged(repeat(gray, "t h w -> t h w c", c=3)), MASK_FPS), str(value.spec))


@view.register
def _(value: Latent) -> View:
    return _moving(_coloured(value), str(value.spec))


@view.register
def _(value: Patches) -> View:
    tokens, noise, drawn = _numpy(value.tokens), _numpy(value.noise), []
    for grid in value.grids:
        count = grid_tokens(grid)
        clip = _coloured(_latent(tokens[:count], grid, value))
        drawn.append(Clip(_arrangement(clip.frames, noise[:count], grid), clip.fps))
        tokens, noise = tokens[count:], noise[count:]
    return _moving(drawn[0] if len(drawn) == 1 else contact_sheet(drawn, min(len(drawn), 4)), str(value.spec))


@view.register
def _(value: Trajectory) -> View:
    steps = value.spec.steps
    shown = sorted({round(number) for number in np.linspace(0, steps - 1, min(STRIP, steps))})
    grid = value.grids[0]
    tokens = [_numpy(value.predictions[step])[: grid_tokens(grid)] for step in shown]
    clips = [_coloured(_latent(part, grid, value), 96) for part in tokens]
    return _moving(contact_sheet(clips, len(clips), [f"step {step + 1}" for step in shown]), str(value.spec))


def colours(latent: Latent) -> npt.NDArray[np.uint8]:
    """A latent as small frames: uint8 (t h w 3)."""
    cells = rearrange(_numpy(latent.data), "c t h w -> t h w c")
    colour_map = _colour_map(latent.space)
    if colour_map is None or len(colour_map) != cells.shape[-1] + 1:
        rgb = _principal(cells)
    else:
        rgb = cells @ colour_map[:-1] + colour_map[-1]
    made: npt.NDArray[np.uint8] = ((rgb.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)
    return made


def enlarged(frames: npt.NDArray[Any], short_side: int = SHORT_SIDE) -> npt.NDArray[Any]:
    """Frames (t h w c) enlarged by a whole number, smoothly, till the short side is about `short_side`.

    Small clips are shown so: chroma is kept at half size in video, and a browser blurs what it enlarges itself.
    """
    _, height, width, _ = frames.shape
    factor = max(1, short_side // min(height, width))
    if factor == 1:
        return frames
    size = (width * factor, height * factor)
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames])


def _moving(clip: Clip, caption: str) -> View:
    if clip.spec.frames == 1:
        return View("image/png", encode_clip(clip, "png"), caption)
    return View("image/webp", encode_clip(clip, "webp", quality=80), caption)


def _coloured(latent: Latent, short_side: int = SHORT_SIDE) -> Clip:
    return Clip(enlarged(colours(latent), short_side), max(latent.fps / FRAMES_PER_LATENT_FRAME, 0.5))


def _latent(tokens: npt.NDArray[Any], grid: Grid, like: Patches | Trajectory) -> Latent:
    """The tokens (n d) of one clip as a latent."""
    (t, h, w), (pt, ph, pw) = grid, like.patch
    pattern = "(t h w) (c pt ph pw) -> c (t pt) (h ph) (w pw)"
    return Latent(rearrange(tokens, pattern, t=t, h=h, w=w, pt=pt, ph=ph, pw=pw), like.space, like.fps)


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


def _principal(cells: Floats) -> Floats:
    """The three directions in which (t h w c) cells differ most, each scaled to [-1, 1]."""
    flat = rearrange(cells, "t h w c -> (t h w) c")
    flat = flat - flat.mean(0)
    _, _, directions = np.linalg.svd(flat, full_matrices=False)
    found = flat @ directions[:3].T
    found = found / (np.abs(found).max(0) + 1e-6)
    padded = np.pad(found, ((0, 0), (0, 3 - found.shape[1])))
    return rearrange(padded, "(t h w) c -> t h w c", t=cells.shape[0], h=cells.shape[1])


@cache
def _colour_map(space: str) -> Floats | None:
    """(channels + 1, 3): latent to RGB in [-1, 1], the last row a constant; None where no weights here have one."""
    for path in sorted(BUILTIN.glob("*.safetensors")):
        try:
            facts = read_metadata(path)
            if facts.get("kind") == "video_vae" and facts.get("latent_space") == space:
                return read_array(path, "preview")
        except WeightsRefused:
            continue
    return None


def _numpy(array: Any) -> npt.NDArray[Any]:
    """A numpy array, or a torch tensor as one, in float32."""
    on_cpu = array.detach().float().cpu().numpy() if hasattr(array, "detach") else array
    return np.asarray(on_cpu, np.float32)
