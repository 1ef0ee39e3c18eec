"""Writing clips and images, read back by ourselves and by OpenCV."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from synthetic import psnr, waves

from assets.media import WRITABLE, MediaError, encode_clip, probe, read_clip, read_workflow, write_clip
from assets.values import Clip, ClipSpec

CLIP = Clip(waves(17, 64, 96), 8.0)
WORKFLOW = json.dumps({"format": "patchloom/1", "nodes": {"n": {"type": "prompt", "params": {"text": "Bällchen 🏀"}}}})
VIDEO = ("mp4", "webm", "gif", "webp")


@pytest.mark.parametrize(("ending", "least"), [("mp4", 36), ("webm", 37), ("gif", 28), ("webp", 36)])
def test_a_saved_clip_comes_back_alike(workspace: Path, ending: str, least: float) -> None:
    path = workspace / f"clip.{ending}"
    write_clip(CLIP, path)
    back = read_clip(path)
    assert back.spec == probe(path) == CLIP.spec
    assert psnr(back.frames, CLIP.frames) > least
    part = read_clip(path, start=11, frames=2, stride=3)
    np.testing.assert_array_equal(part.frames, back.frames[[11, 14]])


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_another_decoder_sees_the_same_frames_and_colours(workspace: Path, ending: str) -> None:
    path = workspace / f"clip.{ending}"
    write_clip(CLIP, path)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(8.0)
    for frame in CLIP.frames:
        fine, seen = capture.read()
        assert fine
        assert psnr(seen[..., ::-1], frame) > 36
    assert not capture.read()[0]
    capture.release()


def test_real_footage_survives_trim_and_save(footage, workspace: Path) -> None:
    clip = read_clip(footage("carphone_pristine.mp4"), start=10, frames=30)
    write_clip(clip, workspace / "cut.mp4")
    back = read_clip(workspace / "cut.mp4")
    assert back.spec.frames == 30
    assert back.fps == pytest.approx(30000 / 1001)
    assert psnr(back.frames, clip.frames) > 36


@pytest.mark.parametrize("fps", [1.0, 7.5, 8.0, 12.0, 23.976, 24.0, 25.0, 29.97, 30000 / 1001, 50.0])
@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_frame_rates_survive(workspace: Path, ending: str, fps: float) -> None:
    path = workspace / f"clip.{ending}"
    write_clip(Clip(CLIP.frames[:9], fps), path)
    assert probe(path).frames == 9
    assert probe(path).fps == pytest.approx(fps, rel=1e-4)


def test_images_lose_nothing_as_png_and_little_as_jpg(workspace: Path) -> None:
    image = Clip(waves(1, 33, 47), 8.0)
    for ending in ("png", "jpg", "jpeg"):
        write_clip(image, workspace / f"image.{ending}")
    np.testing.assert_array_equal(cv2.imread(str(workspace / "image.png"))[..., ::-1], image.frames[0])
    np.testing.assert_array_equal(read_clip(workspace / "image.png").frames, image.frames)
    assert psnr(read_clip(workspace / "image.jpg").frames, image.frames) > 31


@pytest.mark.parametrize(("ending", "least"), [("webm", 40), ("webp", 36), ("png", float("inf"))])
def test_alpha_survives_where_the_format_has_it(workspace: Path, ending: str, least: float) -> None:
    clip = Clip(waves(1 if ending == "png" else 6, 33, 47, channels=4), 8.0)
    path = workspace / f"clip.{ending}"
    write_clip(clip, path)
    back = read_clip(path)
    assert back.spec.channels == probe(path).channels == 4
    assert back.frames.shape == clip.frames.shape
    assert psnr(back.frames[..., 3], clip.frames[..., 3]) >= least
    seen = clip.frames[..., 3] > 64
    assert psnr(back.frames[..., :3][seen], clip.frames[..., :3][seen]) >= min(least, 34)


def test_a_gif_keeps_what_is_fully_transparent(workspace: Path) -> None:
    frames = waves(5, 32, 48, channels=4)
    frames[..., 3] = 255
    frames[:, :, :20, 3] = 0
    write_clip(Clip(frames, 8.0), workspace / "clip.gif")
    back = read_clip(workspace / "clip.gif").frames
    np.testing.assert_array_equal(back[..., 3], frames[..., 3])
    assert psnr(back[:, :, 20:, :3], frames[:, :, 20:, :3]) > 26


@pytest.mark.parametrize("ending", ["mp4", "jpg"])
def test_alpha_is_laid_over_black_where_the_format_has_none(workspace: Path, ending: str) -> None:
    frames = np.full((1, 32, 32, 4), 200, np.uint8)
    frames[..., 3] = 0
    frames[:, :, 16:, 3] = 255
    write_clip(Clip(frames, 8.0), workspace / f"clip.{ending}")
    back = read_clip(workspace / f"clip.{ending}").frames
    assert back.shape[-1] == 3
    assert back[:, :, :12].max() < 12
    assert abs(int(back[:, :, 20:].mean()) - 200) < 6


def test_odd_sides_are_padded_for_mp4_with_a_copy_of_the_edge(workspace: Path) -> None:
    clip = Clip(waves(5, 65, 97), 8.0)
    write_clip(clip, workspace / "clip.mp4")
    back = read_clip(workspace / "clip.mp4").frames
    assert back.shape == (5, 66, 98, 3)
    assert psnr(back[:, :65, :97], clip.frames) > 34
    assert psnr(back[:, 65], back[:, 64]) > 34


@pytest.mark.parametrize("ending", ["webm", "gif", "webp"])
@pytest.mark.parametrize("size", [(65, 97), (1, 1), (17, 3)])
def test_odd_and_tiny_sizes_stay_as_they_are_elsewhere(workspace: Path, ending: str, size: tuple[int, int]) -> None:
    write_clip(Clip(waves(3, *size), 8.0), workspace / f"clip.{ending}")
    assert read_clip(workspace / f"clip.{ending}").spec == ClipSpec(3, *size, 8.0)


@pytest.mark.parametrize("ending", VIDEO)
def test_an_image_can_be_saved_as_a_video(workspace: Path, ending: str) -> None:
    write_clip(Clip(CLIP.frames[:1], 8.0), workspace / f"image.{ending}")
    assert read_clip(workspace / f"image.{ending}").spec.frames == 1


def test_a_better_quality_is_closer_and_larger(workspace: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 1), dtype=np.uint8)
    noisy = Clip(np.broadcast_to(grey, (4, 64, 64, 3)), 8.0)
    for ending in ("mp4", "webm", "webp"):
        errors = []
        for quality in (10, 60, 100):
            (workspace / f"q.{ending}").write_bytes(encode_clip(noisy, ending, quality=quality))
            errors.append(psnr(read_clip(workspace / f"q.{ending}").frames, noisy.frames))
        assert errors == sorted(errors), ending
        assert errors[0] < errors[2] - 2, ending


@pytest.mark.parametrize("ending", WRITABLE)
def test_the_workflow_travels_in_the_file(workspace: Path, ending: str) -> None:
    clip = Clip(CLIP.frames[:1], 8.0) if ending in ("png", "jpg", "jpeg") else CLIP
    path = workspace / f"clip.{ending}"
    large = json.dumps({"format": "patchloom/1", "meta": {"note": "ß" * 200_000}}, ensure_ascii=False)
    for workflow in (WORKFLOW, large):
        write_clip(clip, path, workflow=workflow)
        assert read_workflow(path) == workflow
        assert read_clip(path).spec.frames == clip.spec.frames
    write_clip(clip, path)
    assert read_workflow(path) is None


@pytest.mark.parametrize("ending", ["jpg", "gif", "webp"])
@pytest.mark.parametrize(("frames", "channels"), [(1, 3), (1, 4), (5, 3), (5, 4)])
def test_a_workflow_inside_leaves_every_picture_as_it_was(
    workspace: Path, ending: str, frames: int, channels: int
) -> None:
    if ending == "jpg" and frames > 1:
        return
    clip = Clip(waves(frames, 33, 47, channels=channels), 8.0)
    plain, carrying = workspace / f"plain.{ending}", workspace / f"carrying.{ending}"
    write_clip(clip, plain)
    write_clip(clip, carrying, workflow=WORKFLOW)
    assert read_workflow(carrying) == WORKFLOW
    assert probe(carrying) == probe(plain)
    np.testing.assert_array_equal(read_clip(carrying).frames, read_clip(plain).frames)
    np.testing.assert_array_equal(cv2.imread(str(carrying)), cv2.imread(str(plain)))


def test_other_decoders_still_read_a_png_that_carries_a_workflow(workspace: Path) -> None:
    write_clip(Clip(CLIP.frames[:1], 8.0), workspace / "image.png", workflow=WORKFLOW)
    np.testing.assert_array_equal(cv2.imread(str(workspace / "image.png"))[..., ::-1], CLIP.frames[0])


def test_somebody_elses_comment_is_no_workflow(workspace: Path, footage) -> None:
    for comment in ("made on holiday", '{"nodes": []}', "[1, 2]", "{"):
        write_clip(CLIP, workspace / "clip.mp4", workflow=comment)
        assert read_workflow(workspace / "clip.mp4") is None
    assert read_workflow(footage("bikes.mp4")) is None
    (workspace / "notes.txt").write_text("notes")
    assert read_workflow(workspace / "notes.txt") is None


def test_an_mp4_starts_playing_before_it_is_all_there() -> None:
    data = encode_clip(CLIP, "mp4")
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("ending", VIDEO)
def test_equal_clips_give_equal_files(ending: str) -> None:
    assert encode_clip(CLIP, ending) == encode_clip(CLIP, ending)


def test_an_mp4_says_which_colours_it_has(workspace: Path) -> None:
    write_clip(CLIP, workspace / "clip.mp4")
    with av.open(str(workspace / "clip.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.pix_fmt, context.colorspace, context.color_range) == ("yuv420p", 1, 1)


def test_many_frames_do_not_fit_an_image_and_the_reason_says_what_does(workspace: Path) -> None:
    with pytest.raises(MediaError, match=r"17 frames and a \.png file holds one; use \.mp4"):
        write_clip(CLIP, workspace / "clip.png")


@pytest.mark.parametrize("name", ["clip.exe", "clip", "clip.mp4.html"])
def test_an_unknown_ending_is_refused_with_those_that_work(workspace: Path, name: str) -> None:
    with pytest.raises(MediaError, match="use one of mp4, webm, gif, webp, png, jpg"):
        write_clip(CLIP, workspace / name)
    assert "mp4" in WRITABLE


def test_a_rate_that_a_format_cannot_hold_is_refused(workspace: Path) -> None:
    with pytest.raises(MediaError, match=r"60 frames a second; \.gif files take"):
        write_clip(Clip(CLIP.frames, 60.0), workspace / "clip.gif")
    with pytest.raises(MediaError, match="quality is 0"):
        write_clip(CLIP, workspace / "clip.mp4", quality=0)


def test_a_failed_write_leaves_the_old_file_and_no_other(workspace: Path) -> None:
    path = workspace / "outputs" / "clip.mp4"
    write_clip(CLIP, path)
    before = path.read_bytes()
    enormous = Clip(np.broadcast_to(np.uint8(0), (1, 2, 40_000, 3)), 8.0)
    with pytest.raises(MediaError, match="could not be written"):
        write_clip(enormous, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_who_is_reading_a_file_while_it_is_written_anew_reads_the_old_one_whole(workspace: Path) -> None:
    path = workspace / "clip.mp4"
    write_clip(CLIP, path)
    before = path.read_bytes()
    with path.open("rb") as reader:
        write_clip(Clip(CLIP.frames[:3], 8.0), path)
        assert reader.read() == before
    assert probe(path).frames == 3


def test_folders_of_the_target_are_made(workspace: Path) -> None:
    write_clip(CLIP, workspace / "outputs" / "a" / "b" / "clip.mp4")
    assert [file.name for file in (workspace / "outputs" / "a" / "b").iterdir()] == ["clip.mp4"]
