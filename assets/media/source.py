"""Opening media that somebody else made: local bytes only, known formats and codecs only, no picture without bound."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import av
import cv2
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from assets.media.errors import MediaError
from assets.media.whole import expect_whole

# No playlist (hls, dash, concat): those name further files and addresses. The demuxer is found by content.
FORMATS = "mov,matroska,avi,mpegts,gif,apng,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe"
CODECS = (
    "h264,hevc,vp8,vp9,av1,libdav1d,libvpx,libvpx-vp9,mpeg1video,mpeg2video,mpeg4,msmpeg4v3,mjpeg,prores,dnxhd,"
    "ffv1,huffyuv,rawvideo,qtrle,png,apng,gif,webp,bmp,tiff"
)
READABLE = "mp4, mov, mkv, webm, avi, gif, png, jpg or webp"
MAX_PIXELS = 8192 * 8192
MAX_CLIP_BYTES = 4 * 1024**3


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container of a local file and its main video stream; whatever goes wrong in the block is a MediaError."""
    with refusals(path), path.open("rb") as file:
        expect_whole(path, file)
        container = av.open(
            LocalBytes(file),
            mode="r",
            options={"max_pixels": str(MAX_PIXELS)},
            container_options={"format_whitelist": FORMATS, "codec_whitelist": CODECS, "protocol_whitelist": "none"},
            metadata_errors="replace",
            io_open=_refuse_further_files,
        )
        with container:
            stream = container.streams.best("video")
            if not isinstance(stream, VideoStream):
                raise MediaError(f"{path.name} holds no picture; it needs a video or an image ({READABLE})")
            codec = stream.codec_context
            if codec is None or codec.codec.name not in CODECS.split(","):
                name = codec.codec.name if codec else "an unknown codec"
                raise MediaError(f"{path.name} is coded as {name}, which is not read; save it as mp4 (H.264) first")
            expect_size(path, codec.width, codec.height)
            codec.options = {"max_pixels": str(MAX_PIXELS)}
            stream.thread_type = "AUTO"
            yield container, stream


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turn what FFmpeg and OpenCV raise in the block into a sentence about `path`."""
    try:
        yield
    except FileNotFoundError:
        raise MediaError(f"there is no file {path}; check the name") from None
    except (av.FFmpegError, cv2.error, OSError, MemoryError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(
            f"{path.name} cannot be read as a video or an image ({reason}); it may be cut short, damaged, "
            f"larger than {MAX_PIXELS // 10**6} megapixels or of another kind: try one that plays elsewhere, as "
            f"{READABLE}"
        ) from error


def expect_size(path: Path, width: int, height: int) -> None:
    """Raise MediaError unless a picture of that size may be decoded."""
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"{path.name} says it is {width}x{height}; at most {MAX_PIXELS // 10**6} megapixels are read: shrink it"
        )


class LocalBytes:
    """A file without its name, from which FFmpeg would guess a format, or a pattern for many files."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def decoded(path: Path, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """The frames from where the container stands, in the order in which they are shown, with alpha where there is."""
    decoder: Any = None
    if has_vpx_alpha(stream):
        # FFmpeg's own VP8 and VP9 decoders leave the alpha layer out; libvpx reads it.
        decoder = av.CodecContext.create(f"libvpx{'-vp9' if stream.codec_context.name != 'vp8' else ''}", "r")
    for packet in container.demux(stream):
        for frame in decoder.decode(packet if packet.size else None) if decoder else packet.decode():
            if frame.is_corrupt:
                raise MediaError(f"{path.name} is damaged or cut short; copy it again or save it anew")
            expect_size(path, frame.width, frame.height)
            yield frame


def has_vpx_alpha(stream: VideoStream) -> bool:
    """Whether a WebM stream carries alpha as a second VP8 or VP9 layer."""
    return stream.metadata.get("alpha_mode") == "1" and stream.codec_context.codec.name in (
        "vp8",
        "vp9",
        "libvpx",
        "libvpx-vp9",
    )


def _refuse_further_files(url: str, *_: Any) -> NoReturn:
    raise PermissionError(f"the file refers to another one ({url!r}), which is not opened")
