"""Writing clips and images, frame by frame as they come: the ending of the name chooses the format."""

import secrets
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.frame import VideoFrame

from assets.media.errors import MediaError
from assets.media.workflow import INSIDE, with_workflow
from assets.values import Clip, ClipSpec

VIDEO = ("mp4", "webm", "gif", "webp")
IMAGE = ("png", "jpg", "jpeg")
WRITABLE = VIDEO + IMAGE
BT709 = 1
LIMITED_RANGE = 1


def write_clip(clip: Clip, path: Path, *, quality: int = 90, workflow: str | None = None) -> None:
    """`write_frames` of a clip that is all there."""
    write_frames(clip.frames, clip.spec, path, quality=quality, workflow=workflow)


def write_frames(
    frames: Iterable[npt.NDArray[Any]], spec: ClipSpec, path: Path, *, quality: int = 90, workflow: str | None = None
) -> None:
    """Write frames, uint8 (h w c) each, to `path`, as its ending says; the file appears whole or not at all.

    Each frame is encoded as it arrives, so that memory does not grow with their number; but a gif holds them all,
    since its palette is made of the whole clip.

    mp4: H.264, yuv420p, faststart; an odd side gets one more row or column, a copy of the last. webm: VP9, with
    alpha. gif: a palette of the whole clip, 1-bit alpha, 50 frames a second at most. webp: animated, with alpha.
    png, jpg: one frame. mp4 and jpg have no alpha: the clip is laid over black.

    quality: 1 to 100, of the lossy formats. workflow: JSON that the file carries; see `read_workflow`.
    MediaError says what cannot be written.
    """
    ending = path.suffix.lower().removeprefix(".")
    _expect_writable(spec, ending, quality)
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_name(f".{secrets.token_hex(8)}.{ending}")
    try:
        if ending in IMAGE:
            tmp.write_bytes(_encode_image(next(iter(frames)), ending, quality))
        else:
            _encode_video(frames, spec, tmp, ending, quality, workflow)
        if workflow is not None and ending in INSIDE:
            tmp.write_bytes(with_workflow(tmp.read_bytes(), ending, workflow))
        tmp.replace(path)
    except (av.FFmpegError, cv2.error, OSError) as error:
        raise MediaError(
            f"{path.name} could not be written ({error}); free some space or try another ending"
        ) from error
    finally:
        tmp.unlink(missing_ok=True)


def encode_clip(clip: Clip, ending: str, *, quality: int = 80, workflow: str | None = None) -> bytes:
    """`encode_frames` of a clip that is all there."""
    return encode_frames(clip.frames, clip.spec, ending, quality=quality, workflow=workflow)


def encode_frames(
    frames: Iterable[npt.NDArray[Any]], spec: ClipSpec, ending: str, *, quality: int = 80, workflow: str | None = None
) -> bytes:
    """The bytes of the file that `write_frames` would write, e.g. for a preview; `ending` without a dot."""
    with tempfile.TemporaryDirectory(prefix="patchloom-") as folder:
        path = Path(folder) / f"clip.{ending}"
        write_frames(frames, spec, path, quality=quality, workflow=workflow)
        return path.read_bytes()


def _expect_writable(spec: ClipSpec, ending: str, quality: int) -> None:
    if ending not in WRITABLE:
        raise MediaError(f"a clip cannot be written as {ending!r}; use one of {', '.join(WRITABLE)}")
    if not 1 <= quality <= 100:
        raise MediaError(f"the quality is {quality}; it needs to be from 1 to 100")
    if ending in IMAGE and spec.frames > 1:
        raise MediaError(
            f"the clip has {spec.frames} frames and a .{ending} file holds one; use .mp4, .webm, .gif or .webp, "
            "or pick a frame first"
        )
    fastest = 50 if ending == "gif" else 240
    if spec.frames > 1 and not 0.1 <= spec.fps <= fastest:
        raise MediaError(
            f"the clip runs at {spec.fps:g} frames a second; .{ending} files take 0.1 to {fastest}: change the rate"
        )


def _encode_image(image: npt.NDArray[Any], ending: str, quality: int) -> bytes:
    if ending != "png":
        return _imencode(".jpg", _over_black(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _imencode(".png", image, [])


def _imencode(ending: str, image: npt.NDArray[Any], parameters: list[int]) -> bytes:
    order = [2, 1, 0, 3][: image.shape[-1]]
    fine, data = cv2.imencode(ending, np.ascontiguousarray(image[..., order]), parameters)
    if not fine:
        raise MediaError(f"an image of shape {image.shape} could not be written as {ending}; try another size")
    return bytes(data.tobytes())


def _encode_video(
    frames: Iterable[npt.NDArray[Any]], spec: ClipSpec, path: Path, ending: str, quality: int, workflow: str | None
) -> None:
    pictures: Iterator[VideoFrame]
    rate = Fraction(spec.fps).limit_denominator(1001)
    rgb = "rgba" if spec.channels == 4 else "rgb24"
    # Bit-exact: no random ids and no library versions in the file, so that equal clips give equal files.
    options = {"fflags": "+bitexact"}
    match ending:
        case "mp4":
            pictures = _yuv((_even(_over_black(frame)) for frame in frames), "rgb24", "yuv420p")
            # x264's macroblock tree makes of equal small clips unequal files: its result depends on stray memory.
            codec, layout, settings = "libx264", "yuv420p", {"crf": str(_scale(quality, 50, 8)), "mbtree": "0"}
            options["movflags"] = "+faststart"
        case "webm":
            layout = "yuva420p" if rgb == "rgba" else "yuv420p"
            pictures = _yuv(frames, rgb, layout)
            codec = "libvpx-vp9"
            settings = {"crf": str(_scale(quality, 62, 6)), "b": "0", "deadline": "good", "cpu-used": "4"}
        case "webp":
            pictures = (_picture(frame, rgb).reformat(format="bgra") for frame in frames)
            codec, layout, settings = "libwebp_anim", "bgra", {"quality": str(quality)}
            options["loop"] = "0"
        case _:
            pictures = _paletted(frames, rgb, rate)
            codec, layout, settings = "gif", "pal8", {}
            options["loop"] = "0"
    with av.open(str(path), "w", format=ending, options=options) as container:
        if workflow is not None and ending not in INSIDE:
            container.metadata["comment"] = workflow
        _mux(container, pictures, codec, layout, settings, rate)


def _mux(
    container: OutputContainer,
    pictures: Iterator[VideoFrame],
    codec: str,
    layout: str,
    settings: dict[str, str],
    rate: Fraction,
) -> None:
    stream: Any = None
    for number, frame in enumerate(pictures):
        if stream is None:
            stream = container.add_stream(codec, rate=rate, options=settings)
            stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, layout
            if layout.startswith("yuv"):
                context = stream.codec_context
                context.colorspace = context.color_primaries = context.color_trc = BT709
                context.color_range = LIMITED_RANGE
        frame.pts, frame.time_base = number, 1 / rate
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _picture(frame: npt.NDArray[Any], rgb: str) -> VideoFrame:
    return VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=rgb)


def _yuv(frames: Iterable[npt.NDArray[Any]], rgb: str, layout: str) -> Iterator[VideoFrame]:
    for frame in frames:
        yield _picture(frame, rgb).reformat(format=layout, dst_colorspace=BT709, dst_color_range=LIMITED_RANGE)


def _paletted(frames: Iterable[npt.NDArray[Any]], rgb: str, rate: Fraction) -> Iterator[VideoFrame]:
    """Frames with one palette of 256 colours, made for the whole clip."""
    arriving = iter(frames)
    first = next(arriving)
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=first.shape[1], height=first.shape[0], format=av.VideoFormat(rgb), time_base=1 / rate
    )
    split = graph.add("split")
    palette = graph.add("palettegen", f"reserve_transparent={int(rgb == 'rgba')}")
    use = graph.add("paletteuse", "dither=sierra2_4a")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    count = 0
    for frame in chain([first], arriving):
        picture = _picture(frame, rgb)
        picture.pts, picture.time_base = count, 1 / rate
        graph.vpush(picture)
        count += 1
    graph.vpush(None)
    for _ in range(count):
        yield graph.vpull()


def _over_black(frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(... c) to (... 3): straight alpha laid over black."""
    if frames.shape[-1] == 3:
        return frames
    alpha = frames[..., 3:].astype(np.uint16)
    return ((frames[..., :3] * alpha + 127) // 255).astype(np.uint8)


def _even(frame: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(h w c) with even sides, which yuv420p needs: the last row or column twice where a side is odd."""
    height, width, _ = frame.shape
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _scale(quality: int, worst: int, best: int) -> int:
    """The encoder's rate factor for a quality from 1 (worst) to 100 (best)."""
    return round(worst + (best - worst) * (quality - 1) / 99)
