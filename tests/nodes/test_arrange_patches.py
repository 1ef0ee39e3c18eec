"""Every task of the system is an arrangement of given patches on a canvas."""

from typing import Any

import pytest
import torch
from tiny_models import SPACE

from assets.values import Latent, LatentSpec, Mask, Patches
from nodes.api import SpecError, collected_warnings
from nodes.patches.nodes import arrange_patches, arrange_patches_spec, patchify, patchify_spec, unpatchify

WIDE, HIGH, DIM = 3, 2, 8


def patches(rows: int, start: float = 0, noise: float = 0) -> Patches:
    """Row t of the clip holds the number start + t in all its tokens."""
    numbers = torch.arange(rows).float() + start
    tokens = numbers.repeat_interleave(HIGH * WIDE)[:, None].repeat(1, DIM)
    return Patches(tokens, torch.full((len(tokens),), float(noise)), ((rows, HIGH, WIDE),), (1, 1, 1), SPACE, 8.0)


def canvas(rows: int = 6) -> Patches:
    made = patches(rows, noise=1)
    return Patches(torch.zeros_like(made.tokens), made.noise, made.grids, made.patch, made.space, made.fps)


def arranged(given: Patches, **widgets: Any) -> tuple[list[float], list[float]]:
    """The number and the noise level that each row of the canvas got."""
    made = arrange_patches(canvas(), given, **widgets)
    assert made.spec == arrange_patches_spec(
        canvas().spec,
        given.spec,
        widgets.get("place", "first frame"),
        widgets.get("rows", 0),
        widgets.get("position", 0),
        widgets["second"].spec if "second" in widgets else None,
    )
    rows = made.tokens.reshape(6, HIGH * WIDE, DIM), made.noise.reshape(6, HIGH * WIDE)
    for row in (*rows[0], *rows[1]):
        assert (row == row.flatten()[0]).all()
    return rows[0][:, 0, 0].tolist(), rows[1][:, 0].tolist()


@pytest.mark.parametrize(
    ("widgets", "numbers", "noise"),
    [
        ({"place": "first frame"}, [10, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1]),
        ({"place": "last frame"}, [0, 0, 0, 0, 0, 12], [1, 1, 1, 1, 1, 0]),
        ({"place": "first and last frame"}, [10, 0, 0, 0, 0, 10], [0, 1, 1, 1, 1, 0]),
        ({"place": "start"}, [10, 11, 12, 0, 0, 0], [0, 0, 0, 1, 1, 1]),
        ({"place": "start", "rows": 2}, [10, 11, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1]),
        # Row 10 stands for one frame, which only the first row of the canvas can.
        ({"place": "end"}, [0, 0, 0, 0, 11, 12], [1, 1, 1, 1, 0, 0]),
        ({"place": "end", "rows": 2}, [0, 0, 0, 0, 0, 11], [1, 1, 1, 1, 1, 0]),
        ({"place": "both ends", "rows": 2}, [10, 11, 0, 0, 0, 11], [0, 0, 1, 1, 1, 0]),
        ({"place": "at position", "position": 2}, [0, 0, 11, 12, 0, 0], [1, 1, 0, 0, 1, 1]),
        ({"place": "at position", "position": 0}, [10, 11, 12, 0, 0, 0], [0, 0, 0, 1, 1, 1]),
        ({"place": "start", "strength": 0.5}, [10, 11, 12, 0, 0, 0], [0.5, 0.5, 0.5, 1, 1, 1]),
    ],
)
def test_given_rows_go_where_the_place_says(widgets: Any, numbers: list[float], noise: list[float]) -> None:
    assert arranged(patches(3, 10), **widgets) == (numbers, noise)


@pytest.mark.parametrize(
    ("curve", "noise"),
    [
        ("0:0 1:1", [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ("0:1 0.2:1 0.4:0", [0.5, 0.5, 0, 0, 0, 0]),
        ("0.5:1", [0.5] * 6),
    ],
)
def test_a_clip_may_change_more_at_some_times_than_at_others(curve: str, noise: list[float]) -> None:
    levels = arranged(patches(6, 10), place="all", strength=0.5, strength_over_time=curve)[1]
    assert levels == pytest.approx(noise)


def test_a_curve_of_no_strength_is_warned_of() -> None:
    with collected_warnings() as warnings:
        arrange_patches_spec(canvas().spec, patches(6).spec, "all", 0, 0, strength_over_time="0:1")
    assert "raise it" in warnings[0]


def test_two_clips_are_connected_by_what_lies_next_to_the_gap() -> None:
    numbers, noise = arranged(patches(2, 10), second=patches(3, 20), place="both ends")
    assert (numbers, noise) == ([10, 11, 0, 0, 21, 22], [0, 0, 1, 1, 0, 0])


def test_between_two_images_the_second_is_the_last_frame() -> None:
    numbers, noise = arranged(patches(1, 10), second=patches(1, 20), place="first and last frame")
    assert (numbers, noise) == ([10, 0, 0, 0, 0, 20], [0, 1, 1, 1, 1, 0])


def test_an_image_can_stand_anywhere() -> None:
    numbers, _ = arranged(patches(1, 10), place="at position", position=3)
    assert numbers == [0, 0, 0, 10, 0, 0]
    assert arranged(patches(1, 10), place="end")[0] == [0, 0, 0, 0, 0, 10]


def test_an_edit_gives_all_patches_the_strength_as_their_level() -> None:
    assert arranged(patches(6, 10), place="all", strength=0.625) == ([10, 11, 12, 13, 14, 15], [0.625] * 6)


def test_a_second_arrangement_adds_to_the_first() -> None:
    once = arrange_patches(canvas(), patches(1, 10), place="first frame")
    twice = arrange_patches(once, patches(1, 20), place="at position", position=3)
    assert twice.noise.reshape(6, -1)[:, 0].tolist() == [0, 1, 1, 0, 1, 1]


def test_a_mask_has_the_patches_under_it_made_anew() -> None:
    weight = torch.zeros(21, HIGH * 8, WIDE * 8)  # 6 latent frames: the first stands for 1 frame, the others for 4
    weight[4, 8, 8:16] = 1  # in latent frame 1, the patch of row 1, column 1
    weight[5, 0, 0] = 0.25  # in latent frame 2, the patch of row 0, column 0
    made = arrange_patches(canvas(), patches(6, 10), mask=Mask(weight), place="all")
    expected = torch.zeros(6, HIGH, WIDE)
    expected[1, 1, 1], expected[2, 0, 0] = 1, 0.25
    assert torch.equal(made.noise.reshape(6, HIGH, WIDE), expected)


def test_a_mask_of_one_frame_stands_for_all() -> None:
    weight = torch.zeros(1, HIGH * 8, WIDE * 8)
    weight[0, 0, 0] = 1
    made = arrange_patches(canvas(), patches(6, 10), mask=Mask(weight), place="all")
    assert made.noise.reshape(6, -1).sum(1).tolist() == [1] * 6


@pytest.mark.parametrize(
    ("given", "widgets", "sentence"),
    [
        (patches(4), {"place": "all"}, "4 rows of time for a canvas of 6.*Trim the clip"),
        (patches(7), {"place": "start"}, "7 rows of time from row 0 for a canvas of 6"),
        (patches(4), {"place": "both ends"}, "two ends meet: 4 and 3 rows"),
        (patches(3), {"place": "start", "rows": 4}, "Asked for 4 rows of a clip that has 3"),
        (patches(3), {"place": "at position", "position": 5}, "from row 5 for a canvas of 6"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_try(given: Patches, widgets: Any, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        arranged(given, **widgets)


def test_a_clip_of_another_size_is_refused() -> None:
    other = Patches(torch.zeros(8, DIM), torch.zeros(8), ((1, 2, 4),), (1, 1, 1), SPACE, 8.0)
    with pytest.raises(SpecError, match=r"Got a clip of 4x2 patches for a canvas of 3x2; resize or crop"):
        arrange_patches(canvas(), other)


@pytest.mark.parametrize(("mode", "patch"), [("tubelet", (2, 2, 2)), ("frame", (1, 2, 2))])
def test_tubelets_span_frames_and_frames_are_cut_by_themselves(mode: Any, patch: tuple[int, int, int]) -> None:
    latent = Latent(torch.randn(3, 4, 6, 8), SPACE, 8.0)
    made = patchify(latent, mode=mode, patch_time=2, patch_side=2)
    assert made.patch == patch
    assert made.grids == ((4 // patch[0], 3, 4),)
    assert torch.equal(unpatchify(made).data, latent.data)


def test_a_size_that_the_patch_does_not_divide_is_refused_with_sizes_that_it_does() -> None:
    with pytest.raises(SpecError, match=r"latent of 9 columns; a patch spans 2.*8 or 10"):
        patchify_spec(LatentSpec(4, 5, 8, 9, SPACE, 8.0), "tubelet", 1, 2)
