"""Reading clips and images, held against OpenCV's own reading of the same files."""

import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from synthetic import waves

from assets.media import MediaError, frame_range, probe, read_clip, write_clip
from assets.values import Clip, ClipSpec

FOOTAGE = ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")
every_footage = pytest.mark.parametrize("name", FOOTAGE)


def opencv_frames(path: Path) -> np.ndarray:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (got := capture.read())[0]:
        frames.append(got[1][..., ::-1])
    capture.release()
    return np.stack(frames)


@pytest.fixture(scope="module")
def by_opencv(footage) -> dict[str, np.ndarray]:
    return {name: opencv_frames(footage(name)) for name in FOOTAGE}


def assert_same_pixels(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(np.int16) - theirs).mean() < 0.5


@every_footage
def test_probe_agrees_with_another_decoder(footage, by_opencv, name: str) -> None:
    capture = cv2.VideoCapture(str(footage(name)))
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    frames, height, width, _ = by_opencv[name].shape
    spec = probe(footage(name))
    assert (spec.frames, spec.height, spec.width, spec.channels) == (frames, height, width, 3)
    assert spec.fps == pytest.approx(rate)


@pytest.mark.parametrize(("name", "stride"), [("bigbuckbunny.mp4", 11), ("bikes.mp4", 1), ("carphone_pristine.mp4", 1)])
def test_a_clip_has_the_frames_and_colours_of_another_decoder(footage, by_opencv, name: str, stride: int) -> None:
    clip = read_clip(footage(name), stride=stride)
    assert_same_pixels(clip.frames, by_opencv[name][::stride])


@pytest.mark.parametrize(
    ("name", "start", "frames", "stride"),
    [
        ("bikes.mp4", 0, 1, 1),
        ("bikes.mp4", 1, 2, 1),
        ("bikes.mp4", 97, 17, 1),
        ("bikes.mp4", 120, 5, 7),
        ("bikes.mp4", 245, None, 2),
        ("bikes.mp4", 249, 99, 1),
        ("carphone_pristine.mp4", 59, 3, 10),
        ("bigbuckbunny.mp4", 131, 1, 1),
        ("bigbuckbunny.mp4", 100, 3, 9),
    ],
)
def test_a_trimmed_clip_is_exactly_those_frames(footage, by_opencv, name: str, start, frames, stride) -> None:
    clip = read_clip(footage(name), start=start, frames=frames, stride=stride)
    assert_same_pixels(clip.frames, by_opencv[name][start::stride][:frames])
    assert clip.fps == probe(footage(name)).fps / stride


def test_a_trim_near_the_end_does_not_decode_from_the_beginning(footage, workspace: Path) -> None:
    """A frame at the beginning is overwritten: only who decodes it notices."""
    spoiled = workspace / "spoiled.mp4"
    with av.open(str(spoiled), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"g": "10", "sc_threshold": "0"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for pixels in waves(40, 64, 64):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    whole = opencv_frames(spoiled)
    with av.open(str(spoiled)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        second = sorted(packets, key=lambda packet: packet.pos)[5]
        at, length = second.pos, second.size
    data = bytearray(spoiled.read_bytes())
    data[at + 5 : at + length] = b"\xff" * (length - 5)
    spoiled.write_bytes(data)
    assert_same_pixels(read_clip(spoiled, start=33, frames=4).frames, whole[33:37])


def test_a_start_past_the_end_is_refused(footage) -> None:
    with pytest.raises(MediaError, match="there are 250 frames; start at 249 or before"):
        read_clip(footage("bikes.mp4"), start=250)


@pytest.mark.parametrize("asked", [(-1, None, 1), (0, 0, 1), (0, None, 0)])
def test_a_range_that_asks_for_nothing_is_refused(asked) -> None:
    with pytest.raises(MediaError, match="ask for nothing"):
        frame_range(10, *asked)


def test_a_still_image_is_a_clip_of_one_frame(workspace: Path) -> None:
    image = waves(1, 33, 47)
    for ending in ("png", "bmp", "tiff"):
        path = workspace / f"image.{ending}"
        cv2.imwrite(str(path), image[0, ..., ::-1])
        clip = read_clip(path)
        assert clip.spec == probe(path)
        np.testing.assert_array_equal(clip.frames, image)


def test_a_grey_and_a_16_bit_image_come_as_rgb(workspace: Path) -> None:
    grey = waves(1, 20, 30)[0, ..., 0]
    cv2.imwrite(str(workspace / "grey.png"), grey)
    cv2.imwrite(str(workspace / "deep.png"), grey.astype(np.uint16) * 257)
    for name in ("grey.png", "deep.png"):
        frames = read_clip(workspace / name).frames
        assert np.abs(frames[0].astype(int) - grey[..., None]).max() <= 1, name


def test_alpha_is_kept_where_something_is_transparent_and_dropped_where_nothing_is(workspace: Path) -> None:
    rgba = waves(1, 20, 30, channels=4)[0]
    path = workspace / "image.png"
    cv2.imwrite(str(path), rgba[..., [2, 1, 0, 3]])
    np.testing.assert_array_equal(read_clip(path).frames[0], rgba)
    assert probe(path).channels == 4
    rgba[..., 3] = 255
    cv2.imwrite(str(path), rgba[..., [2, 1, 0, 3]])
    os.utime(path, (1, 1))
    np.testing.assert_array_equal(read_clip(path).frames[0], rgba[..., :3])
    assert probe(path).channels == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright_as_another_decoder_does(workspace: Path, orientation: int) -> None:
    path = workspace / "photo.jpg"
    cv2.imwrite(str(path), waves(1, 32, 48)[0, ..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    path.write_bytes(with_exif_orientation(path.read_bytes(), orientation))
    theirs = cv2.imread(str(path))[None, ..., ::-1]
    clip = read_clip(path)
    assert clip.spec == probe(path)
    assert clip.frames.shape == theirs.shape
    assert np.abs(clip.frames.astype(int) - theirs).mean() < 5


def test_a_png_that_says_which_way_up_it_is_is_turned(workspace: Path) -> None:
    image = waves(1, 32, 48)
    path = workspace / "photo.png"
    write_clip(Clip(image, 8.0), path)
    body = b"eXIfII*\0\x08\0\0\0" + struct.pack("<HHHIHH", 1, 0x0112, 3, 1, 6, 0) + b"\0\0\0\0"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk + data[33:])
    np.testing.assert_array_equal(read_clip(path).frames[0], np.rot90(image[0], -1))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_phones_video_is_turned_upright_as_another_decoder_does(workspace: Path, degrees: int) -> None:
    path = workspace / "phone.mp4"
    write_clip(Clip(waves(3, 32, 48), 8.0), path)
    path.write_bytes(with_rotation(path.read_bytes(), degrees))
    clip = read_clip(path)
    assert clip.spec == probe(path)
    assert (clip.spec.height, clip.spec.width) == ((48, 32) if degrees % 180 else (32, 48))
    assert_same_pixels(clip.frames, opencv_frames(path))


def test_a_variable_rate_keeps_every_frame_and_the_length(workspace: Path) -> None:
    path = workspace / "variable.mp4"
    shown_at = [0, 1, 2, 10, 11, 30, 31, 32, 33, 38]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        for pixels, at in zip(waves(10, 32, 48), shown_at, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clip = read_clip(path)
    assert clip.spec.frames == len(opencv_frames(path)) == 10
    assert clip.spec.frames / clip.fps == pytest.approx(3.9, abs=0.3)
    assert_same_pixels(read_clip(path, start=4, frames=3).frames, opencv_frames(path)[4:7])


@pytest.mark.parametrize(
    ("ending", "codec"), [("mkv", "h264"), ("avi", "mpeg4"), ("mov", "prores"), ("webm", "libvpx")]
)
def test_other_containers_and_codecs_agree_with_another_decoder(workspace: Path, ending: str, codec: str) -> None:
    path = workspace / f"clip.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264" if codec == "h264" else codec, rate=12)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuv422p10le" if codec == "prores" else "yuv420p"
        for pixels in waves(14, 48, 64):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    clip = read_clip(path)
    assert clip.spec == probe(path) == ClipSpec(14, 48, 64, 12.0)
    theirs = opencv_frames(path)
    assert np.abs(clip.frames.astype(int) - theirs).mean() < 5
    assert_same_pixels(read_clip(path, start=9, frames=2).frames, clip.frames[9:11])


def test_the_name_of_a_file_does_not_matter_only_its_content(workspace: Path) -> None:
    image = waves(1, 20, 30)
    write_clip(Clip(image, 8.0), workspace / "image.png")
    for name in ("frame%03d.png", "*.mp4", "-i", "http:x", "no ending"):
        path = (workspace / "image.png").rename(workspace / name)
        np.testing.assert_array_equal(read_clip(path).frames, image)
        path.rename(workspace / "image.png")


def test_a_file_that_changed_is_scanned_anew(workspace: Path) -> None:
    path = workspace / "clip.mp4"
    for frames in (3, 5):
        write_clip(Clip(waves(frames, 32, 48), 8.0), path)
        assert probe(path).frames == frames


def with_exif_orientation(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG with an Exif header of one entry, 0x0112."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHH", 1, 0x0112, 3, 1, orientation, 0) + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def with_rotation(mp4: bytes, degrees: int) -> bytes:
    """An MP4 whose track header asks for a clockwise turn (ISO/IEC 14496-12, 8.3.2)."""
    one = 1 << 16
    a, b, c, d = {0: (one, 0, 0, one), 90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    matrix_at = mp4.index(b"tkhd") + 44
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return mp4[:matrix_at] + matrix + mp4[matrix_at + 36 :]
