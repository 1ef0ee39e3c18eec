"""Media files that are cut short, that lie about themselves, or that lead elsewhere."""

import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.media import MediaError, encode_clip, probe, read_clip, read_workflow
from assets.values import Clip

CLIP = Clip(np.random.default_rng(0).integers(0, 256, (6, 32, 48, 3), dtype=np.uint8), 8.0)
IMAGE = Clip(CLIP.frames[:1], 8.0)
WHOLE = {ending: encode_clip(CLIP, ending) for ending in ("mp4", "webm", "gif", "webp")}
WHOLE |= {ending: encode_clip(IMAGE, ending) for ending in ("png", "jpg")}


def refusal(path: Path) -> str:
    """The sentence with which a file is refused, by both readers."""
    with pytest.raises(MediaError) as caught:
        probe(path)
    with pytest.raises(MediaError):
        read_clip(path)
    return str(caught.value)


@pytest.mark.parametrize("ending", WHOLE)
def test_a_file_that_was_cut_short_is_refused(workspace: Path, ending: str) -> None:
    data = WHOLE[ending]
    for percent in (1, 10, 40, 60, 90, 99):
        path = workspace / f"cut-{percent}.{ending}"
        path.write_bytes(data[: len(data) * percent // 100])
        assert path.name in refusal(path)


@pytest.mark.parametrize("ending", WHOLE)
def test_a_damaged_file_is_read_or_refused_with_a_sentence(workspace: Path, ending: str) -> None:
    rng = np.random.default_rng(1)
    for attempt in range(25):
        data = np.frombuffer(WHOLE[ending], np.uint8).copy()
        at = rng.integers(0, len(data), 8)
        data[at] = rng.integers(0, 256, 8)
        path = workspace / f"{attempt}.{ending}"
        path.write_bytes(data.tobytes())
        with contextlib.suppress(MediaError):
            assert read_clip(path).spec.frames >= 1
        assert read_workflow(path) is None


@given(st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_refused(workspace: Path, noise: bytes) -> None:
    path = workspace / "noise.mp4"
    path.write_bytes(noise)
    assert refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{port}/clip.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{clip}'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="p" type="static"><Period>'
        '<AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>{clip}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
        "RTSPtext\nrtsp://127.0.0.1:{port}/x\n",
        "[playlist]\nFile1={clip}\n",
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "m3u8", "txt", "ffconcat", "mpd"])
def test_a_playlist_opens_no_further_file_and_no_address(workspace: Path, listener, content: str, ending: str) -> None:
    clip = workspace / "secret.mp4"
    clip.write_bytes(WHOLE["mp4"])
    playlist = workspace / f"list.{ending}"
    playlist.write_text(content.format(clip=clip, port=listener.port))
    assert refusal(playlist)
    assert not listener.called.is_set()


@pytest.mark.parametrize("size", [(2**31 - 1, 1), (65535, 65535), (60_000, 60_000), (9_000, 9_000), (0, 5)])
def test_a_small_file_that_says_it_is_enormous_is_refused(workspace: Path, size: tuple[int, int]) -> None:
    path = workspace / "bomb.png"
    path.write_bytes(png(*size))
    assert "megapixels" in refusal(path)


def test_an_enormous_picture_is_refused_without_decoding_it(workspace: Path) -> None:
    """16,000 x 16,000 pixels would take 768 MB; a process that refuses them stays far below."""
    path = workspace / "bomb.png"
    path.write_bytes(png(16_000, 16_000))
    said = subprocess.run(
        [sys.executable, "-c", READ_AND_MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    assert int(said.stdout) < 400_000


READ_AND_MEASURE = """
import sys
from pathlib import Path
from assets.media import MediaError, probe
try:
    probe(Path(sys.argv[1]))
except MediaError:
    # Peak memory of this program alone; getrusage would count what its parent had before it.
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.parametrize("ending", ["flv", "ogg", "yuv"])
def test_formats_and_codecs_that_are_not_listed_are_refused(workspace: Path, ending: str) -> None:
    codec = {"flv": "flv", "ogg": "libvpx", "yuv": "rawvideo"}[ending]
    path = workspace / f"clip.{ending}"
    with av.open(str(path), "w", format={"yuv": "rawvideo"}.get(ending, ending)) as container:
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for pixels in CLIP.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    assert path.name in refusal(path)


def test_a_webp_that_says_it_is_enormous_is_refused(workspace: Path) -> None:
    data = bytearray(WHOLE["webp"])
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = b"\xff" * 6
    path = workspace / "bomb.webp"
    path.write_bytes(data)
    assert "megapixels" in refusal(path)


def test_more_frames_than_memory_holds_are_refused_before_they_are_read(workspace: Path, monkeypatch) -> None:
    path = workspace / "long.mp4"
    path.write_bytes(WHOLE["mp4"])
    monkeypatch.setattr("assets.media.read.MAX_CLIP_BYTES", 4 * 32 * 48 * 3)
    with pytest.raises(MediaError, match=r"6 frames of long\.mp4 .* ask for fewer frames"):
        read_clip(path)
    assert read_clip(path, frames=4).spec.frames == 4


def test_what_holds_no_picture_is_refused(workspace: Path) -> None:
    path = workspace / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
        sound.rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    assert "holds no picture" in refusal(path)


def test_what_is_no_file_is_refused(workspace: Path) -> None:
    (workspace / "empty.mp4").touch()
    os.mkfifo(workspace / "pipe.mp4")
    assert "there is no file" in refusal(workspace / "none.mp4")
    assert "is no file" in refusal(workspace)
    assert "is no file" in refusal(workspace / "pipe.mp4")
    assert "empty" in refusal(workspace / "empty.mp4")


@pytest.mark.parametrize(
    "chunk",
    [
        (2**31 - 1, b"iTXt", b"patchloom"),
        (9, b"iTXt", b"patchloom"),
        (16, b"iTXt", b"patchloom\0\0\0\0\0\xff\xfe"),
        (12, b"iTXt", b"patchloom\0\1\0"),
    ],
)
def test_a_broken_text_chunk_is_no_workflow(workspace: Path, chunk: tuple[int, bytes, bytes]) -> None:
    length, name, body = chunk
    path = workspace / "image.png"
    path.write_bytes(WHOLE["png"][:33] + struct.pack(">I", length) + name + body)
    assert read_workflow(path) is None


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "webp"])
def test_a_file_cut_short_within_its_workflow_carries_none(workspace: Path, ending: str) -> None:
    text = json.dumps({"format": "patchloom/1", "meta": {"note": "a" * 700}})
    data = encode_clip(IMAGE, ending, workflow=text)
    start = data.index(b"patchloom/1")
    path = workspace / f"cut.{ending}"
    for end in range(start - 20, start + 700, 37):
        path.write_bytes(data[:end])
        assert read_workflow(path) is None


@pytest.mark.parametrize(("ending", "lengths"), [("jpg", b"\xff\xff"), ("gif", b"\xff"), ("webp", b"\xff\xff\xff\xff")])
def test_lengths_that_lead_past_the_end_of_a_file_are_no_workflow(workspace: Path, ending: str, lengths: bytes) -> None:
    starts = {"jpg": b"\xff\xd8\xff\xfe", "gif": b"GIF89a" + bytes(7) + b"\x21\xfe", "webp": b"RIFF\0\0\0\0WEBPXMP "}
    path = workspace / f"lying.{ending}"
    path.write_bytes(starts[ending] + lengths + b'{"format": "patchloom/1"')
    assert read_workflow(path) is None


def test_a_workflow_that_nests_without_end_or_has_no_end_is_none(workspace: Path) -> None:
    for text in ("[" * 100_000, json.dumps({"format": "patchloom/1", "x": "y" * (17 * 1024 * 1024)})):
        path = workspace / "image.png"
        path.write_bytes(encode_clip(IMAGE, "png", workflow=text))
        assert read_workflow(path) is None


def png(width: int, height: int) -> bytes:
    """A PNG that says its size and has next to no data."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


class Listener:
    """A server on the loopback address that notes whether anybody called."""

    def __init__(self) -> None:
        import socket

        self.called = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        self.called.set()
        connection.close()

    def close(self) -> None:
        import socket

        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def listener():
    opened = Listener()
    yield opened
    opened.close()
