"""Latents in colour: as the clip that they stand for, by their principal components, or channel by channel.

No torch here. A space whose decoder is not here is shown by its three principal components.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from einops import rearrange, repeat

from assets import images
from assets.values import Clip, Latent, Patches, Trajectory
from assets.values.patches import Grid
from nodes.preview.drawing import Floats, draw

Bytes = npt.NDArray[np.uint8]
SHORT_SIDE = 256
# A latent frame stands for four frames in the video VAEs of today, so a latent plays at a quarter of the rate.
FRAMES_PER_LATENT_FRAME = 4


def colours(latent: Latent) -> Bytes:
    """A latent as small frames, one a latent frame: uint8 (t kh kw 3), k = 4 by the small decoder, else 1."""
    drawn = draw(rearrange(floats(latent.data), "c t h w -> t h w c"), latent.space)
    return components(latent) if drawn is None else _bytes(drawn)


def components(latent: Latent) -> Bytes:
    """The three directions in which a latent's cells differ most as red, green and blue: uint8 (t h w 3)."""
    cells = rearrange(floats(latent.data), "c t h w -> t h w c")
    flat = rearrange(cells, "t h w c -> (t h w) c")
    flat = flat - flat.mean(0)
    _, _, directions = np.linalg.svd(flat, full_matrices=False)
    found = flat @ directions[:3].T
    found = found / (np.abs(found).max(0) + 1e-6)
    padded = np.pad(found, ((0, 0), (0, 3 - found.shape[1])))
    return _bytes(rearrange(padded, "(t h w) c -> t h w c", t=cells.shape[0], h=cells.shape[1]))


def channels(latent: Latent) -> list[Bytes]:
    """Each channel in grey, black at three deviations below zero and white at three above: uint8 (t h w 3) each."""
    return [_bytes(repeat(channel / 3, "t h w -> t h w c", c=3)) for channel in floats(latent.data)]


def coloured(latent: Latent, short_side: int = SHORT_SIDE) -> Clip:
    """A latent's colours, large enough to be seen, at the pace of the clip that it stands for."""
    return shown(colours(latent), latent, short_side)


def shown(frames: Bytes, latent: Latent, short_side: int = SHORT_SIDE) -> Clip:
    """Pictures of a latent's frames, large enough to be seen, as a clip that lasts about as long as the latent's."""
    _, _, height, width = latent.data.shape
    factor = enlargement(height, width, short_side)
    return Clip(images.resize(frames, factor * height, factor * width), latent_fps(latent.fps))


def latent_fps(fps: float) -> float:
    """The rate at which latent frames follow one another in a clip of `fps`; 0.5 at least, so that it moves."""
    return max(fps / FRAMES_PER_LATENT_FRAME, 0.5)


def enlarged(frames: npt.NDArray[Any], short_side: int = SHORT_SIDE) -> npt.NDArray[Any]:
    """Frames (t h w c) enlarged by a whole number, smoothly, till the short side is about `short_side`.

    Small clips are shown so: chroma is kept at half size in video, and a browser blurs what it enlarges itself.
    """
    _, height, width, _ = frames.shape
    factor = enlargement(height, width, short_side)
    if factor == 1:
        return frames
    size = (width * factor, height * factor)
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames])


def enlargement(height: int, width: int, short_side: int = SHORT_SIDE) -> int:
    """By what whole number `enlarged` enlarges frames of that size."""
    return max(1, short_side // min(height, width))


def as_latent(tokens: npt.NDArray[Any], grid: Grid, like: Patches | Trajectory) -> Latent:
    """The tokens (n d) of one clip as a latent."""
    (t, h, w), (pt, ph, pw) = grid, like.patch
    pattern = "(t h w) (c pt ph pw) -> c (t pt) (h ph) (w pw)"
    return Latent(rearrange(tokens, pattern, t=t, h=h, w=w, pt=pt, ph=ph, pw=pw), like.space, like.fps)


def floats(array: Any) -> Floats:
    """A numpy array, or a torch tensor as one, in float32."""
    on_cpu = array.detach().float().cpu().numpy() if hasattr(array, "detach") else array
    return np.asarray(on_cpu, np.float32)


def _bytes(rgb: npt.NDArray[Any]) -> Bytes:
    """From [-1, 1] to uint8."""
    made: Bytes = ((rgb.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)
    return made
