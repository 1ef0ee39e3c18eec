"""What the table of tasks is measured by, and that its rows run."""

import numpy as np
import pytest

from assets.values import Clip
from benchmarks.judge.model import load_judge
from benchmarks.motion import correlation, steps, track, warp_errors
from benchmarks.rows.setting import Setting
from benchmarks.studio import Studio, rendered
from benchmarks.tasks import ROWS
from nodes.world.scene import Scene, Thing


def ball(motion: str, colour: str = "red") -> Clip:
    return rendered(Scene((Thing(colour, "circle", "medium", motion),), "gray"))


def test_a_cut_leaves_more_unexplained_by_flow_than_a_motion() -> None:
    one, other = ball("right"), rendered(Scene((Thing("blue", "star", "large", "up"),), "sea"))
    cut = Clip(np.concatenate([one.frames[:8], other.frames[8:]]), 8.0)
    errors = warp_errors(cut)
    assert errors.shape == (16,)
    assert errors.argmax() == 7
    assert errors[7] > 3 * np.delete(errors, 7).max()


def test_steps_end_with_the_one_from_the_last_frame_to_the_first() -> None:
    frames = np.array([0, 10, 30], np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
    assert steps(Clip(frames, 8.0)).tolist() == [10, 20, 30]


def test_a_track_follows_the_thing_of_its_colour_and_correlates_with_its_like_alone() -> None:
    right, left, bounce = (track(ball(motion), "red") for motion in ("right", "left", "bounce"))
    assert (np.diff(right[:, 0]) > 0).all()
    assert correlation(right, track(ball("right", "blue"), "blue")) > 0.99
    assert correlation(right, left) < -0.99
    assert abs(correlation(right, bounce)) < 0.3


@pytest.mark.parametrize("name", ["animate", "connect", "inpaint", "keyframes"])
def test_a_row_measures_its_task(name: str) -> None:
    for row in ROWS[name](Setting(Studio(steps_=1), load_judge()[0], clips=1)):
        assert row.clips == 1
        assert row.figures
        assert row.met is not None
