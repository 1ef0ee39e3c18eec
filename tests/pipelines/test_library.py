"""Every shipped workflow runs, at a few steps, makes what its specs foresee and keeps what it is given."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from engine_bench import Bench, changed

import pipelines
from assets.media import probe
from assets.values import Clip, ClipSpec, Latent, LatentSpec, Text
from nodes.registry import library
from pipelines.check import check
from pipelines.document import Document, load
from pipelines.executors.part import Summary
from pipelines.thumbnails import HEIGHT, THUMBNAILS

LIBRARY = Path(pipelines.__file__).parent / "library"
NAMES = sorted(path.name.removesuffix(".loom.json") for path in LIBRARY.glob("*.loom.json"))
# What is smaller here than it is shipped, so that it is made in seconds.
SMALLER = {"large_video": {"width": 80, "height": 80, "frames": 5}, "long_video": {"frames": 69}}


@cache
def document(name: str) -> Document:
    made = changed(load(LIBRARY / f"{name}.loom.json"), "sampler", steps=2)
    return changed(made, "canvas", **SMALLER[name]) if name in SMALLER else made


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_says_what_it_is_has_no_problem_and_makes_the_file_it_promises(
    studio: Bench, name: str
) -> None:
    made = document(name)
    assert made.records["meta:title"]
    assert str(made.records["meta:description"]).endswith(".")
    report = check(made, library(), studio.files)
    assert report.problems == ()
    assert studio.run(made).failed == {}
    source = made.incoming["save"].get("clip") or made.incoming["save"]["latent"]
    promised = report.specs[source.node][source.name]
    file = probe(studio.files.outputs / made.params("save")["file"])
    assert (file.frames, file.height, file.width) == frames_and_size(promised)


def frames_and_size(spec: ClipSpec | LatentSpec) -> tuple[int, int, int]:
    if isinstance(spec, ClipSpec):
        return spec.frames, spec.height, spec.width
    return 1 + 4 * (spec.frames - 1), 8 * spec.height, 8 * spec.width


def ran(studio: Bench, name: str) -> Summary:
    return studio.run(document(name))


def latent(studio: Bench, summary: Summary, node: str) -> npt.NDArray[np.float32]:
    value = studio.store.get(summary.outputs[node]["latent"])
    assert isinstance(value, Latent)
    return np.asarray(value.data)


def frames(studio: Bench, summary: Summary, node: str) -> npt.NDArray[np.uint8]:
    value = studio.store.get(summary.outputs[node]["clip"])
    assert isinstance(value, Clip)
    return value.frames


def test_an_animated_image_keeps_the_first_latent_frame_as_it_was_given(studio: Bench) -> None:
    summary = ran(studio, "animate_image")
    given, made = (latent(studio, summary, node) for node in ("look", "unpatchify"))
    assert np.array_equal(made[:, 0], given[:, 0])
    assert not np.array_equal(made[:, 1], made[:, 0])


def test_a_video_extended_forwards_begins_as_the_clip_that_was_given(studio: Bench) -> None:
    summary = ran(studio, "extend_video")
    given, made = (latent(studio, summary, node) for node in ("look", "unpatchify"))
    assert np.array_equal(made[:, :5], given)
    assert psnr(frames(studio, summary, "resize"), frames(studio, summary, "decode")[:17]) > 25


def test_a_video_extended_backwards_ends_as_the_clip_that_was_given(studio: Bench) -> None:
    summary = ran(studio, "extend_backwards")
    given, made = (latent(studio, summary, node) for node in ("look", "unpatchify"))
    assert np.array_equal(made[:, -4:], given[:, 1:])
    # The decoder remembers what came before, so only the frames well after the join are the clip's.
    assert psnr(frames(studio, summary, "resize")[-8:], frames(studio, summary, "decode")[-8:]) > 25


def test_a_loop_goes_on_from_the_clips_end_and_shows_the_clip_once(studio: Bench) -> None:
    summary = ran(studio, "seamless_loop")
    end, whole, made = (latent(studio, summary, node) for node in ("look", "look_again", "unpatchify"))
    assert np.array_equal(made[:, :2], end)
    assert np.array_equal(made[:, -4:], whole[:, 1:])
    assert len(frames(studio, summary, "cut")) == 32  # 16 of the clip, 16 made


def test_connected_clips_are_both_kept_pixel_for_pixel_with_a_way_between_them(studio: Bench) -> None:
    summary = ran(studio, "connect_clips")
    first, second = (frames(studio, summary, node) for node in ("resize", "resize_next"))
    joined = frames(studio, summary, "join_next")
    assert np.array_equal(joined[:17], first)
    assert np.array_equal(joined[-8:], second[-8:])
    assert len(joined) == 17 + 24 + 8


@pytest.mark.parametrize(("name", "under"), [("inpaint", "resize"), ("outpaint", "pad")])
def test_what_lies_outside_of_a_mask_stays_pixel_for_pixel(studio: Bench, name: str, under: str) -> None:
    summary = ran(studio, name)
    before, after = (frames(studio, summary, node) for node in (under, "composite"))
    inside = np.zeros(64 if name == "inpaint" else 112, bool)
    inside[16:48] = name == "inpaint"
    if name == "outpaint":
        inside[:24] = inside[88:] = True
    assert np.array_equal(after[:, :, ~inside], before[:, :, ~inside])
    assert (after[:, :, inside] != before[:, :, inside]).mean() > 0.5


def test_keyframes_stand_where_they_were_put(studio: Bench) -> None:
    summary = ran(studio, "keyframes")
    made = latent(studio, summary, "unpatchify")
    for row, name in ((0, "look_start"), (4, "look_middle"), (8, "look_end")):
        assert np.array_equal(made[:, row], latent(studio, summary, name)[:, -1])


@pytest.mark.parametrize("name", ["edit_video", "change_background"])
def test_an_edit_is_another_clip_of_the_same_length(studio: Bench, name: str) -> None:
    summary = ran(studio, name)
    before, after = (frames(studio, summary, node) for node in ("resize", "decode"))
    assert before.shape == after.shape
    assert not np.array_equal(before, after)


def test_an_expanded_prompt_is_longer_and_keeps_its_words(studio: Bench) -> None:
    value = studio.store.get(ran(studio, "expand_prompt").outputs["expand"]["text"])
    assert isinstance(value, Text)
    assert "red ball" in value.text
    assert len(value.text) > len("a red ball at sunset")


def test_a_caption_says_what_the_sample_shows(studio: Bench) -> None:
    value = studio.store.get(ran(studio, "recaption").outputs["caption"]["text"])
    assert isinstance(value, Text)
    assert "red heart" in value.text


def psnr(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workflow_has_a_small_picture_of_what_it_makes(name: str) -> None:
    """`python -m pipelines.thumbnails NAME` makes it."""
    path = THUMBNAILS / f"{name}.webp"
    assert probe(path).height == HEIGHT
    assert path.stat().st_size < 64 * 1024
