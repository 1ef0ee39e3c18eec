"""Wan: what does not fit is refused at the wire, by a sentence."""

from pathlib import Path

import pytest
import tiny_wan

from assets.values import ClipSpec, ConditioningSpec, LatentSpec
from assets.weight_files import WeightsRefused
from nodes.api import SpecError
from nodes.dit.nodes import sample_spec
from nodes.families.frames import canvas_from_frames_spec
from nodes.families.images import encode_image_spec
from nodes.families.registry import Components, components, image_encoder
from nodes.patches.nodes import arrange_patches_spec, noise_patches_spec, patchify_spec
from nodes.video_vae.nodes import decode_latent_spec, encode_video_spec

TEXT = ConditioningSpec(32, "wan", images=0)
IMAGE = ClipSpec(1, 32, 48, 16.0)


@pytest.fixture(scope="module")
def text_to_video() -> Components:
    return components(tiny_wan.folder())


@pytest.fixture(scope="module")
def image_to_video() -> Components:
    return components(tiny_wan.folder().parent / "wan i2v")


def test_a_latent_of_another_wan_is_refused(text_to_video: Components) -> None:
    with pytest.raises(SpecError, match="Got latents of the space 'wan-48'; this VAE needs 'wan-16'"):
        decode_latent_spec(text_to_video.vae, LatentSpec(48, 3, 4, 6, "wan-48", 16.0))


def test_text_of_another_encoder_is_refused(text_to_video: Components) -> None:
    canvas = noise_patches_spec(text_to_video.dit, text_to_video.vae, 48, 32, 9, 16.0)
    with pytest.raises(SpecError, match="Got text encoded by 'patchloom'; this DiT was trained with 'wan'"):
        sample_spec(text_to_video.dit, canvas, ConditioningSpec(192, "patchloom"), 4)


def test_ten_frames_are_refused(image_to_video: Components) -> None:
    with pytest.raises(SpecError, match=r"10 frames; it needs 1 [+] 4k.*Try 9"):
        noise_patches_spec(image_to_video.dit, image_to_video.vae, 48, 32, 10, 16.0)
    with pytest.raises(SpecError, match=r"10 frames; it needs 1 [+] 4k.*Try 9"):
        canvas_from_frames_spec(image_to_video.dit, image_to_video.vae, IMAGE, "first frame", 10, 16.0)


def test_an_empty_canvas_is_refused_where_a_frame_is_needed(image_to_video: Components) -> None:
    canvas = noise_patches_spec(image_to_video.dit, image_to_video.vae, 48, 32, 9, 16.0)
    with pytest.raises(SpecError, match=r"nothing is given; this DiT goes on from the first frame.*Canvas from frames"):
        sample_spec(image_to_video.dit, canvas, ConditioningSpec(32, "wan", images=1), 4)


def test_given_frames_are_refused_where_whole_clips_are_made(text_to_video: Components) -> None:
    with pytest.raises(SpecError, match="makes whole clips only"):
        canvas_from_frames_spec(text_to_video.dit, text_to_video.vae, IMAGE, "first frame", 9, 16.0)


def test_a_last_frame_is_refused_where_only_a_first_was_trained(image_to_video: Components) -> None:
    with pytest.raises(SpecError, match="goes on from the first frame alone"):
        canvas_from_frames_spec(image_to_video.dit, image_to_video.vae, IMAGE, "last frame", 9, 16.0)


def test_an_image_that_was_encoded_by_itself_is_refused_where_it_belongs_among_grey_frames(
    image_to_video: Components,
) -> None:
    dit, vae = image_to_video.dit, image_to_video.vae
    canvas = noise_patches_spec(dit, vae, 48, 32, 9, 16.0)
    given = patchify_spec(encode_video_spec(vae, IMAGE), "tubelet", 1, 2, dit)
    arranged = arrange_patches_spec(canvas, given, "first frame", 0, 0)
    with pytest.raises(SpecError, match="encoded by itself; this DiT needs them encoded among grey frames"):
        sample_spec(dit, arranged, ConditioningSpec(32, "wan", images=1), 4)


def test_a_text_alone_is_refused_where_a_picture_is_to_be_shown(image_to_video: Components) -> None:
    canvas = canvas_from_frames_spec(image_to_video.dit, image_to_video.vae, IMAGE, "first frame", 9, 16.0)
    with pytest.raises(SpecError, match=r"tells of no picture; this DiT needs one picture.*Encode image"):
        sample_spec(image_to_video.dit, canvas, TEXT, 4)
    shown = encode_image_spec(image_encoder(Path(image_to_video.dit.path)), TEXT, IMAGE)
    assert sample_spec(image_to_video.dit, canvas, shown, 4).patches == canvas


def test_a_folder_without_an_image_encoder_says_so() -> None:
    with pytest.raises(WeightsRefused, match="has no image encoder"):
        image_encoder(tiny_wan.folder())


def test_frames_that_are_no_whole_latent_frames_are_refused_at_the_start(tmp_path: Path) -> None:
    models = components(tiny_wan.write_image_to_video(tmp_path / "a14b", boundary=0.9))
    with pytest.raises(SpecError, match=r"Got 3 frames for the start; it needs 1 \+ 4k.*Trim the clip to 1"):
        canvas_from_frames_spec(models.dit, models.vae, ClipSpec(3, 32, 48, 16.0), "start", 9, 16.0)
