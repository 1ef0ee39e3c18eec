"""How frames follow one another: warp error by optical flow, steps between frames, and the track of a thing."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from assets.values import Clip
from nodes.world.scene import COLOURS

Track = npt.NDArray[np.float64]
"""(t, 2): x and y in pixels."""


def warp_errors(clip: Clip) -> npt.NDArray[np.float64]:
    """What optical flow (DIS, Kroeger et al. 2016) leaves unexplained of each step to the next: (t - 1,), 0 to 255."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip.frames]
    y, x = np.mgrid[: clip.frames.shape[1], : clip.frames.shape[2]].astype(np.float32)
    errors = []
    for here, there, now, after in zip(clip.frames, clip.frames[1:], gray, gray[1:], strict=False):
        moved = flow.calc(now, after, None)
        back = cv2.remap(there, x + moved[..., 0], y + moved[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        errors.append(np.abs(back.astype(np.float64) - here).mean())
    return np.array(errors)


def steps(clip: Clip) -> npt.NDArray[np.float64]:
    """The mean difference of each frame to the next, and of the last to the first: (t,), 0 to 255."""
    frames = clip.frames.astype(np.float64)
    return np.abs(np.roll(frames, -1, axis=0) - frames).mean((1, 2, 3))


def track(clip: Clip, colour: str) -> Track:
    """Where the thing of a colour is: the centre of what is more like it than that place usually is."""
    distance = np.linalg.norm(clip.frames / 255 - np.array(COLOURS[colour]), axis=-1)
    likeness = np.exp(-((distance / 0.25) ** 2))
    weight = (likeness - np.median(likeness, axis=0)).clip(min=0) + 1e-6
    y, x = np.mgrid[: weight.shape[1], : weight.shape[2]]
    total = weight.sum((1, 2))
    return np.stack([(weight * x).sum((1, 2)) / total, (weight * y).sum((1, 2)) / total], axis=1)


def correlation(one: Track, other: Track) -> float:
    """How alike two tracks run, whatever their place and reach: the correlation of both coordinates together."""
    a, b = (way - way.mean(0) for way in (one, other))
    return float((a * b).sum() / max(1e-9, np.sqrt((a**2).sum() * (b**2).sum())))
