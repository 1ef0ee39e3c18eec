"""Clips on their way into the VAE and out: what fits, and the sentence where it doesn't."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench import Bench
from tiny_models import SPACE, TinyModels

from assets.files import FileRefused, Files
from assets.media import MediaError, probe
from assets.values import Clip, ClipSpec, LatentSpec, TextSpec
from nodes.api import SpecError, collected_warnings
from nodes.media.nodes import (
    flatten,
    join_clips,
    join_clips_spec,
    load_clip,
    load_clip_spec,
    mask_box,
    pad,
    trim,
    trim_spec,
)
from nodes.media.saving import saved_spec
from nodes.patches.nodes import noise_patches_spec
from nodes.text_encoder.nodes import encode_text_spec
from nodes.video_vae.nodes import decode_latent, decode_latent_spec, encode_video, encode_video_spec


@pytest.fixture
def files(tmp_path: Path, footage: Callable[[str], Path]) -> Files:
    return Files(inputs=(footage("bikes.mp4").parent,), outputs=tmp_path / "outputs")


def test_real_footage_is_cut_while_it_is_read(files: Files, footage: Callable[[str], Path]) -> None:
    whole = probe(footage("carphone_pristine.mp4"))
    foreseen = load_clip_spec("carphone_pristine.mp4", 10, 5, 2, files)
    clip = load_clip(file="carphone_pristine.mp4", start=10, frames=5, stride=2, files=files)
    assert clip.spec == foreseen == ClipSpec(5, whole.height, whole.width, whole.fps / 2)


def test_a_file_that_is_not_there_is_named(files: Files) -> None:
    with pytest.raises(FileRefused, match=r"no file 'gone.mp4'"):
        load_clip_spec("gone.mp4", 0, 0, 1, files)


def test_a_start_past_the_end_is_refused(files: Files) -> None:
    with pytest.raises((SpecError, MediaError), match="100000"):
        load_clip_spec("carphone_pristine.mp4", 100_000, 0, 1, files)


def test_trim_keeps_the_frames_asked_for() -> None:
    clip = Clip(np.arange(9, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3), 8.0)
    assert trim(clip, start=2, frames=5).frames[:, 0, 0, 0].tolist() == [2, 3, 4, 5, 6]
    with pytest.raises(SpecError, match="9"):
        trim_spec(clip.spec, 5, 5, 1)


def test_flatten_shows_the_background_through_what_is_transparent() -> None:
    frame = np.array([[[200, 0, 0, 255], [200, 0, 0, 0]]], np.uint8)
    made = flatten(Clip(frame[None], 8.0), colour="#64c80a")
    assert made.frames[0, 0].tolist() == [[200, 0, 0], [100, 200, 10]]


def test_a_box_mask_and_its_inverse_cover_the_clip() -> None:
    clip = Clip(np.zeros((2, 8, 8, 3), np.uint8), 8.0)
    box, rest = (mask_box(clip, left=2, top=1, width=3, height=4, invert=invert) for invert in (False, True))
    assert box.weight.sum() == 2 * 12
    assert (box.weight + rest.weight == 1).all()
    second = mask_box(clip, width=3, height=4, start=1)
    assert second.weight.sum(axis=(1, 2)).tolist() == [0, 12]


def test_padding_has_its_colour_and_is_transparent_where_there_is_alpha() -> None:
    one = np.full((1, 1, 1, 4), 9, np.uint8)
    assert pad(Clip(one[..., :3], 8.0), left=1, colour="#0a141e").frames[0, 0].tolist() == [[10, 20, 30], [9, 9, 9]]
    assert pad(Clip(one, 8.0), left=1, colour="#0a141e").frames[0, 0, 0].tolist() == [10, 20, 30, 0]


def test_padding_goes_round_the_clip() -> None:
    made = pad(Clip(np.full((1, 2, 3, 3), 9, np.uint8), 8.0), left=1, right=2, top=3, bottom=4)
    assert made.frames.shape == (1, 9, 6, 3)
    assert (made.frames[0, 3:5, 1:4] == 9).all()
    assert made.frames.sum() == 9 * 2 * 3 * 3


def test_joined_clips_follow_one_another_without_what_both_show() -> None:
    first, second = (
        Clip(np.arange(a, b, dtype=np.uint8)[:, None, None, None].repeat(3, 3), 8.0) for a, b in ((0, 3), (2, 6))
    )
    assert join_clips(first, second, overlap=1).frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(SpecError, match="Try 3 or less"):
        join_clips_spec(first.spec, second.spec, 4)
    with pytest.raises(SpecError, match="need one size"):
        join_clips_spec(first.spec, replace(second.spec, width=2), 0)


@pytest.mark.parametrize(
    ("frames", "height", "width", "sentence"),
    [
        (30, 64, 64, r"30 frames; it needs 1 \+ 4k.*Try 29 \(the trim node cuts to it\) or 33"),
        (17, 70, 64, "70 pixels high.*multiple of 8. Try 64 or 72"),
        (17, 64, 5, "5 pixels wide.*Try 8"),
    ],
)
def test_a_clip_that_the_vae_cannot_take_is_refused_with_sizes_that_it_can(
    tiny: TinyModels, frames: int, height: int, width: int, sentence: str
) -> None:
    with pytest.raises(SpecError, match=sentence):
        encode_video_spec(tiny.vae, ClipSpec(frames, height, width, 8.0))


def test_a_clip_with_alpha_is_sent_to_the_flatten_node(tiny: TinyModels) -> None:
    with pytest.raises(SpecError, match="flatten"):
        encode_video_spec(tiny.vae, ClipSpec(17, 64, 64, 8.0, 4))


def test_a_latent_of_another_space_is_refused(tiny: TinyModels) -> None:
    with pytest.raises(SpecError, match=f"'other'.*needs '{SPACE}'"):
        decode_latent_spec(tiny.vae, LatentSpec(4, 5, 8, 8, "other", 8.0))


def test_a_canvas_that_patches_do_not_fill_is_refused_with_sizes_that_they_do(tiny: TinyModels) -> None:
    with pytest.raises(SpecError, match=r"72 pixels high; a patch covers 16.*Try 64 or 80"):
        noise_patches_spec(tiny.dit, tiny.vae, 64, 72, 17, 8.0)


def test_a_long_clip_is_decoded_in_chunks_as_it_would_be_whole(tiny: TinyModels, bench: Bench) -> None:
    import torch

    rng = np.random.default_rng(0)
    clip = Clip(rng.integers(0, 255, (41, 16, 16, 3), dtype=np.uint8), 8.0)
    latent = encode_video(tiny.vae, clip, ctx=bench)
    decoded = decode_latent(tiny.vae, latent, ctx=bench)
    whole = bench.model(tiny.vae).decode(latent.data[None])[0]
    expected = ((whole + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()
    assert bench.done == 3
    assert np.abs(decoded.frames.astype(int) - expected).max() <= 1


def test_words_that_the_model_does_not_know_are_named_and_stop_nothing(tiny: TinyModels) -> None:
    with collected_warnings() as warnings:
        spec = encode_text_spec(tiny.text_encoder, TextSpec("a red zeppelin over a crimson meadow"))
    assert spec.tokens == 6
    assert len(warnings) == 1
    assert "zeppelin" in warnings[0]
    assert "crimson" not in warnings[0]


@pytest.mark.parametrize(("file", "sentence"), [("a.avi", "avi"), ("a.png", "17 frames"), ("../a.mp4", "no name")])
def test_an_output_name_that_cannot_be_is_refused(files: Files, file: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        saved_spec(ClipSpec(17, 64, 64, 8.0), file, files)
