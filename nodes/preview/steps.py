"""A sampler's way from noise to a clip, its steps side by side or one after the other. No torch here."""

from typing import Literal

import numpy as np
from einops import rearrange

from assets.images import LABEL_HEIGHT, contact_sheet
from assets.values import Clip, ClipSpec, Latent, Trajectory, TrajectorySpec
from assets.values.patches import grid_tokens
from nodes.preview.colours import as_latent, coloured, enlargement, floats, latent_fps

Which = Literal["foreseen", "noisy"]
Layout = Literal["side by side", "one by one"]
PANEL = 96
AT_MOST = 8
STEPS_PER_SECOND = 8.0


def side_by_side(trajectory: Trajectory, which: Which = "foreseen") -> Clip:
    """Eight of the steps at most, evenly chosen, each playing the whole clip (the first one, where several are packed).

    which: the clip as the model foresaw it at each step, or as noisy as it was after it.
    """
    steps = _chosen(trajectory.spec.steps)
    panels = [coloured(_latent(trajectory, step, which), PANEL) for step in steps]
    return contact_sheet(panels, len(panels), [f"step {step + 1}" for step in steps])


def one_by_one(trajectory: Trajectory, which: Which = "foreseen") -> Clip:
    """A picture a step: the latent frames of the clip in a row."""
    pictures = (coloured(_latent(trajectory, step, which), PANEL) for step in range(trajectory.spec.steps))
    rows = [rearrange(picture.frames, "t h w c -> h (t w) c") for picture in pictures]
    return Clip(np.stack(rows), STEPS_PER_SECOND)


def after(trajectory: Trajectory, steps: int) -> Clip:
    """The clip as the model foresaw it in the last of so many steps, 1 at the least. ValueError if there are fewer."""
    if not 1 <= steps <= trajectory.spec.steps:
        raise ValueError(f"got step {steps} of a trajectory of {trajectory.spec.steps}; choose one from 1 on")
    return coloured(_latent(trajectory, steps - 1, "foreseen"))


def steps_spec(trajectory: TrajectorySpec, layout: Layout) -> ClipSpec:
    """The size of what the two functions above make."""
    (t, h, w), (pt, ph, pw) = trajectory.patches.grids[0], trajectory.patches.patch
    factor, time = enlargement(h * ph, w * pw, PANEL), t * pt
    height, width = factor * h * ph, factor * w * pw
    if layout == "one by one":
        return ClipSpec(trajectory.steps, height, time * width, STEPS_PER_SECOND)
    panels = len(_chosen(trajectory.steps))
    return ClipSpec(time, height + LABEL_HEIGHT, panels * width, latent_fps(trajectory.patches.fps))


def _latent(trajectory: Trajectory, step: int, which: Which) -> Latent:
    tokens = trajectory.predictions[step] if which == "foreseen" else trajectory.states[step + 1]
    grid = trajectory.grids[0]
    return as_latent(floats(tokens)[: grid_tokens(grid)], grid, trajectory)


def _chosen(steps: int) -> list[int]:
    return sorted({round(number) for number in np.linspace(0, steps - 1, min(AT_MOST, steps))})
