"""Clips in time, and laid over one another."""

import numpy as np
import pytest

from assets.values import Clip, ClipSpec, Mask, MaskSpec
from nodes.api import SpecError
from nodes.media.edit import composite, composite_spec, hold, last_frames, last_frames_spec, reverse
from nodes.media.masks import mask_frames, mask_frames_spec


def numbered(*numbers: int) -> Clip:
    """Frame t is even, of the value numbers[t]."""
    return Clip(np.array(numbers, np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2).repeat(3, 3), 8.0)


def numbers(clip: Clip) -> list[int]:
    return [int(frame.flat[0]) for frame in clip.frames]


def test_the_end_of_a_clip_is_kept_and_more_than_there_is_refused() -> None:
    assert numbers(last_frames(numbered(1, 2, 3), frames=2)) == [2, 3]
    with pytest.raises(SpecError, match=r"last 4 frames of a clip of 3.*Ask for 3"):
        last_frames_spec(numbered(1, 2, 3).spec, 4)


def test_an_image_holds_still_and_a_clip_stops_at_its_last_frame() -> None:
    assert numbers(hold(numbered(7), frames=3)) == [7, 7, 7]
    assert numbers(hold(numbered(1, 2), frames=3)) == [1, 2, 2, 2]


def test_a_clip_runs_backwards() -> None:
    assert numbers(reverse(numbered(1, 2, 3))) == [3, 2, 1]


def test_what_lies_over_shows_as_far_as_the_mask_says() -> None:
    weight = np.zeros((1, 2, 2), np.float32)
    weight[0, 0] = 1, 0.5
    made = composite(numbered(10, 10), numbered(20, 30), Mask(weight))
    assert made.frames[:, 0, :, 0].tolist() == [[20, 15], [30, 20]]
    assert (made.frames[:, 1] == 10).all()


@pytest.mark.parametrize(
    ("over", "mask", "sentence"),
    [
        (ClipSpec(2, 4, 4, 8.0), MaskSpec(2, 4, 4), "one size and length"),
        (ClipSpec(3, 4, 4, 8.0, 4), MaskSpec(3, 4, 4), "flatten"),
        (ClipSpec(3, 4, 4, 8.0), MaskSpec(2, 4, 4), "make the mask of a clip of that size"),
    ],
)
def test_layers_that_do_not_fit_are_refused(over: ClipSpec, mask: MaskSpec, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        composite_spec(ClipSpec(3, 4, 4, 8.0), over, mask)


def test_a_mask_of_frames_covers_them_whole_and_inverted_all_others() -> None:
    clip = numbered(0, 0, 0, 0)
    assert np.asarray(mask_frames(clip, start=1, frames=2).weight)[:, 0, 1].tolist() == [0, 1, 1, 0]
    assert np.asarray(mask_frames(clip, start=1, frames=2, invert=True).weight)[:, 1, 0].tolist() == [1, 0, 0, 1]
    assert np.asarray(mask_frames(clip, start=3).weight)[:, 0, 0].tolist() == [0, 0, 0, 1]
    with pytest.raises(SpecError, match="2 frames from frame 3 on in a clip of 4"):
        mask_frames_spec(clip.spec, 3, 2, False)
