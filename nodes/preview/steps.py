"""A sampler's way from noise to a clip, its steps side by side or one after the other. No torch here."""

from typing import Literal

import numpy as np
from einops import rearrange

from assets.images import LABEL_HEIGHT, contact_sheet
from assets.values import Clip, ClipSpec, Trajectory, TrajectorySpec
from assets.values.patches import grid_tokens
from nodes.preview.colours import Bytes, as_latent, colours, enlarged_by, enlargement, floats, latent_fps, shown

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
    panels = [shown(_frames(trajectory, step, which), trajectory.fps, PANEL) for step in steps]
    return contact_sheet(panels, len(panels), [f"step {step + 1}" for step in steps])


def one_by_one(trajectory: Trajectory, which: Which = "foreseen") -> Clip:
    """A picture a step: the latent frames of the clip in a row."""
    rows = [
        rearrange(_frames(trajectory, step, which), "t h w c -> h (t w) c") for step in range(trajectory.spec.steps)
    ]
    _, _, height, width = _size(trajectory.spec)
    return Clip(enlarged_by(enlargement(height, width, PANEL), np.stack(rows)), STEPS_PER_SECOND)


def steps_spec(trajectory: TrajectorySpec, layout: Layout) -> ClipSpec:
    """The size of what the two functions above make."""
    steps, time, height, width = _size(trajectory)
    factor = enlargement(height, width, PANEL)
    height, width = factor * height, factor * width
    if layout == "one by one":
        return ClipSpec(steps, height, time * width, STEPS_PER_SECOND)
    panels = len(_chosen(steps))
    return ClipSpec(time, height + LABEL_HEIGHT, panels * width, latent_fps(trajectory.patches.fps))


def _frames(trajectory: Trajectory, step: int, which: Which) -> Bytes:
    tokens = trajectory.predictions[step] if which == "foreseen" else trajectory.states[step + 1]
    grid = trajectory.grids[0]
    return colours(as_latent(floats(tokens)[: grid_tokens(grid)], grid, trajectory))


def _chosen(steps: int) -> list[int]:
    return sorted({round(number) for number in np.linspace(0, steps - 1, min(AT_MOST, steps))})


def _size(trajectory: TrajectorySpec) -> tuple[int, int, int, int]:
    """Steps, then latent frames, rows and columns of the first clip."""
    (t, h, w), (pt, ph, pw) = trajectory.patches.grids[0], trajectory.patches.patch
    return trajectory.steps, t * pt, h * ph, w * pw
