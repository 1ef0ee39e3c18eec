"""Nodes that make clips of what a latent or a trajectory holds."""

from typing import Any

import numpy as np
import pytest

from assets.images import LABEL_HEIGHT
from assets.values import Latent, Trajectory
from nodes.preview.colours import components, latent_fps
from nodes.preview.nodes import show_latent, show_latent_spec, show_steps, show_steps_spec

RNG = np.random.default_rng(0)


def trajectory(grid: tuple[int, int, int], steps: int) -> Trajectory:
    tokens = int(np.prod(grid))
    states, predictions = (RNG.normal(size=(count, tokens, 16)).astype(np.float32) for count in (steps + 1, steps))
    return Trajectory(
        states, predictions, np.ones(steps + 1), np.ones(tokens), states[0], "euler", (grid,), (1, 2, 2), "none", 8.0
    )


@pytest.mark.parametrize("shape", [(4, 3, 2, 5), (8, 1, 9, 4), (2, 2, 1, 1), (16, 2, 40, 30)])
@pytest.mark.parametrize("view", ["colour", "components", "channels"])
def test_a_latent_of_any_size_is_shown_at_the_size_foreseen(shape: tuple[int, ...], view: Any) -> None:
    latent = Latent(RNG.normal(size=shape).astype(np.float32), "none", 8.0)
    assert show_latent(latent, view=view).spec == show_latent_spec(latent.spec, view)


@pytest.mark.parametrize(("grid", "steps"), [((3, 2, 1), 12), ((1, 1, 4), 1), ((2, 4, 1), 3)])
@pytest.mark.parametrize("layout", ["side by side", "one by one"])
def test_a_trajectory_of_any_size_is_shown_at_the_size_foreseen(grid: Any, steps: int, layout: Any) -> None:
    value = trajectory(grid, steps)
    assert show_steps(value, layout=layout, state="noisy").spec == show_steps_spec(value.spec, layout)


def test_the_first_component_is_where_the_latent_differs_most_whichever_channel_that_is() -> None:
    data = RNG.normal(size=(6, 2, 8, 8)).astype(np.float32) * 0.1
    data[4, :, :, 4:] += 9
    data[2, :, 4:, :] += 3
    seen = components(Latent(data, "none", 8.0)).astype(int)
    assert abs(seen[:, :, :4, 0].mean() - seen[:, :, 4:, 0].mean()) > 150
    assert abs(seen[:, :4, :, 0].mean() - seen[:, 4:, :, 0].mean()) < 20
    assert abs(seen[:, :4, :, 1].mean() - seen[:, 4:, :, 1].mean()) > 150


def test_each_channel_has_its_own_picture() -> None:
    data = np.zeros((4, 1, 3, 3), np.float32)
    data[1] = 3
    data[2] = -3
    sheet = show_latent(Latent(data, "none", 8.0), view="channels").frames[0]
    side = sheet.shape[1] // 2
    panels = [sheet[: side - 1, :side], sheet[: side - 1, side:], sheet[side + LABEL_HEIGHT : -LABEL_HEIGHT, :side]]
    assert [int(panel.mean().round()) for panel in panels] == [128, 255, 0]


def test_steps_follow_one_another_and_end_at_what_was_made() -> None:
    value = trajectory((2, 1, 1), 5)
    noisy, foreseen = (show_steps(value, layout="one by one", state=state) for state in ("noisy", "foreseen"))
    assert noisy.spec.frames == foreseen.spec.frames == 5
    assert not np.array_equal(noisy.frames, foreseen.frames)
    ended = Trajectory(
        np.concatenate([value.states[:-1], value.predictions[-1:]]), value.predictions, value.sigmas, value.noise,
        value.canvas, "euler", value.grids, value.patch, value.space, value.fps,
    )  # fmt: skip
    np.testing.assert_array_equal(show_steps(ended, layout="one by one", state="noisy").frames[-1], foreseen.frames[-1])


def test_a_latent_plays_at_the_pace_of_its_clip() -> None:
    assert latent_fps(24.0) == 6.0
    assert latent_fps(1.0) == 0.5
