"""Image operations on frames."""

import numpy as np
import pytest
from synthetic import psnr, waves

from assets.images import LABEL_HEIGHT, contact_sheet, crop, pad, resize
from assets.values import Clip

FRAMES = waves(3, 40, 60)


@pytest.mark.parametrize("mode", ["stretch", "cover", "contain"])
@pytest.mark.parametrize("size", [(40, 60), (20, 30), (80, 120), (33, 17), (17, 90), (1, 1)])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_resized_clip_has_the_size_asked_for(mode, size, channels) -> None:
    frames = waves(3, 40, 60, channels)
    before = frames.copy()
    made = resize(frames, *size, mode)
    assert (made.shape, made.dtype) == ((3, *size, channels), np.uint8)
    np.testing.assert_array_equal(frames, before)
    assert not np.shares_memory(made, frames)


def test_enlarging_and_shrinking_back_changes_little() -> None:
    assert psnr(resize(resize(FRAMES, 120, 180), 40, 60), FRAMES) > 40


def test_shrinking_averages_so_that_a_fine_pattern_turns_grey() -> None:
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    frames = np.repeat(checks[None, ..., None], 3, axis=-1).astype(np.uint8)
    assert np.abs(resize(frames, 16, 16).astype(int) - 127.5).max() <= 1
    # One side shrinks while the other grows: what shrinks is averaged all the same.
    assert np.abs(resize(frames, 16, 128).astype(int) - 127.5).max() <= 1


def test_real_footage_shrinks_as_opencv_does_it(footage) -> None:
    import cv2

    from assets.media import read_clip

    frames = read_clip(footage("bikes.mp4"), start=40, frames=2).frames
    theirs = np.stack([cv2.resize(frame, (160, 68), interpolation=cv2.INTER_AREA) for frame in frames])
    np.testing.assert_array_equal(resize(frames, 68, 160), theirs)


def test_cover_cuts_the_centre_and_contain_adds_bars() -> None:
    frames = np.zeros((1, 40, 80, 3), np.uint8)
    frames[:, :, 20:60] = 200
    cover = resize(frames, 40, 40, "cover")
    np.testing.assert_array_equal(cover, np.full((1, 40, 40, 3), 200, np.uint8))
    contain = resize(frames + 50, 80, 80, "contain")
    assert contain[:, :20].max() == contain[:, 60:].max() == 0
    assert contain[:, 20:60].min() >= 50


def test_what_is_transparent_does_not_bleed_its_colour() -> None:
    frames = np.zeros((1, 16, 16, 4), np.uint8)
    frames[..., 1] = 255
    frames[:, :, :8] = (200, 0, 0, 255)
    for size in (5, 40):
        made = resize(frames, size, size)
        seen = made[made[..., 3] > 8]
        assert seen[:, 1].max() <= 2, size
        assert abs(int(seen[:, 0].mean()) - 200) <= 3, size


def test_bars_are_transparent_where_there_is_alpha() -> None:
    made = resize(np.full((1, 10, 20, 4), 255, np.uint8), 20, 20, "contain")
    assert made[0, :5, :, 3].max() == 0
    assert made[0, 5:15, :, 3].min() == 255


def test_crop_and_pad_undo_each_other() -> None:
    padded = pad(FRAMES, 1, 2, 3, 4, colour=(9, 8, 7, 6))
    assert padded.shape == (3, 43, 67, 3)
    assert tuple(padded[0, 0, 0]) == tuple(padded[2, -1, -1]) == (9, 8, 7)
    np.testing.assert_array_equal(crop(padded, 1, 3, 40, 60), FRAMES)


@pytest.mark.parametrize("box", [(-1, 0, 4, 4), (0, 57, 4, 4), (0, 0, 41, 4), (0, 0, 0, 4)])
def test_a_crop_out_of_the_picture_is_refused(box) -> None:
    with pytest.raises(ValueError, match="leads out of 60x40 pixels"):
        crop(FRAMES, *box)


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 pixel"):
        resize(FRAMES, 0, 10)
    with pytest.raises(ValueError, match="0 or more"):
        pad(FRAMES, 0, 0, -1, 0)


def test_a_contact_sheet_shows_each_clip_in_its_place() -> None:
    long, short = Clip(waves(5, 20, 30), 8.0), Clip(waves(2, 20, 30) // 2, 8.0)
    sheet = contact_sheet([long, short, long], 2)
    assert sheet.frames.shape == (5, 40, 60, 3)
    np.testing.assert_array_equal(sheet.frames[:, :20, :30], long.frames)
    np.testing.assert_array_equal(sheet.frames[:2, :20, 30:], short.frames)
    np.testing.assert_array_equal(sheet.frames[4, :20, 30:], short.frames[-1])
    np.testing.assert_array_equal(sheet.frames[:, 20:, :30], long.frames)
    assert sheet.frames[:, 20:, 30:].max() == 0


def test_labels_stand_below_their_clips() -> None:
    clip = Clip(waves(2, 20, 80), 8.0)
    sheet = contact_sheet([clip, clip], 1, ["red", ""])
    assert sheet.frames.shape == (2, 2 * (20 + LABEL_HEIGHT), 80, 3)
    assert sheet.frames[:, 20 : 20 + LABEL_HEIGHT].max() > 200
    assert sheet.frames[:, -LABEL_HEIGHT:].max() == 0
    with pytest.raises(ValueError, match="1 labels for 2 clips"):
        contact_sheet([clip, clip], 1, ["red"])
    with pytest.raises(ValueError, match="at least one of each"):
        contact_sheet([], 3)


def test_a_contact_sheet_takes_clips_of_other_sizes_and_with_alpha() -> None:
    sheet = contact_sheet([Clip(waves(2, 20, 30), 8.0), Clip(waves(1, 64, 10, 4), 8.0)], 2)
    assert sheet.frames.shape == (2, 20, 60, 3)
