"""Results on a grid with labelled axes."""

import numpy as np
import pytest

from app.contact_sheet import PAPER, contact_sheet
from assets.values import Clip

COLOURS = {(0, 0): (255, 0, 0), (0, 1): (0, 255, 0), (1, 0): (0, 0, 255)}


def plain(colour: tuple[int, ...], frames: int = 3) -> Clip:
    return Clip(np.full((frames, 32, 32, len(colour)), colour, np.uint8), 8.0)


def places(frame: np.ndarray, colour: tuple[int, ...]) -> tuple[int, int, int]:
    """Row and column of the middle of that colour, and how many pixels have it."""
    rows, columns = np.nonzero((frame == colour).all(-1))
    return round(rows.mean()), round(columns.mean()), len(rows)


def test_the_last_axis_goes_across_and_the_others_down() -> None:
    clips = {at: plain(colour) for at, colour in COLOURS.items()}
    sheet = contact_sheet([["seed 1", "seed 2"], ["steps 4", "steps 8"]], clips, still=False)
    red, green, blue = (places(sheet.frames[0], colour) for colour in COLOURS.values())
    assert red[0] == green[0] < blue[0]
    assert red[1] == blue[1] < green[1]
    assert {red[2], green[2], blue[2]} == {128 * 128}


def test_labels_stand_above_and_beside_on_every_frame() -> None:
    sheet = contact_sheet([["guidance 4"], ["steps 4", "steps 8"]], {(0, 0): plain((255, 0, 0))}, still=False)
    row, column, _ = places(sheet.frames[0], (255, 0, 0))
    for frame in sheet.frames:
        assert (frame[: row - 64] != PAPER).any()
        assert (frame[:, : column - 64] != PAPER).any()


def test_a_shorter_clip_stays_at_its_last_frame_and_a_still_is_the_middle_one() -> None:
    moving = Clip(np.stack([np.full((32, 32, 3), 50 * index, np.uint8) for index in range(1, 6)]), 8.0)
    short = plain((255, 0, 0), frames=2)
    sheet = contact_sheet([["a", "b"]], {(0,): moving, (1,): short}, still=False)
    assert sheet.spec.frames == 5
    assert places(sheet.frames[4], (255, 0, 0))[2] == 128 * 128
    still = contact_sheet([["a", "b"]], {(0,): moving}, still=True)
    assert still.spec.frames == 1
    assert places(still.frames[0], (150, 150, 150))[2] == 128 * 128


def test_alpha_is_laid_over_black_and_a_text_of_any_script_is_a_label() -> None:
    sheet = contact_sheet(
        [["ein Ball, 日本, und noch viel mehr Text, der in keine Zeile passt"]],
        {(0,): plain((255, 0, 0, 0))},
        still=True,
    )
    assert places(sheet.frames[0], (0, 0, 0))[2] == 128 * 128


def test_a_sheet_without_clips_or_of_too_many_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="no run of this sweep has a clip"):
        contact_sheet([["a"]], {}, still=True)
    with pytest.raises(ValueError, match="sweep in parts"):
        contact_sheet([[str(number) for number in range(100)]], {(0,): plain((255, 0, 0))}, still=True)
