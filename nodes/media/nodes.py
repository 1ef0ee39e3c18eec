"""Clips and images: in, out, and what is done to them between."""

import hashlib
from typing import Annotated, Literal

import numpy as np

from assets import images, media
from assets.files import Files
from assets.values import Clip, ClipSpec, Mask, MaskSpec, SavedFile
from nodes.api import Colour, FileName, Range, Side, SpecError, node
from nodes.context import Workflow
from nodes.media.saving import Quality, Target, saved, saved_spec

VIDEO = ("mp4", "webm", "mov", "mkv", "gif", "webp")
IMAGE = ("png", "jpg", "jpeg", "webp")
Start = Annotated[int, Range(0, 1_000_000), "First frame that is kept, counted from 0."]


def file_content(file: str, files: Files) -> str:
    with files.find(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def load_clip_spec(file: str, start: int, frames: int, stride: int, files: Files) -> ClipSpec:
    found = media.probe(files.find(file))
    return _cut(found, start, frames, stride)


@node(
    version=1,
    category="media",
    spec=load_clip_spec,
    content=file_content,
    label="Load clip",
    keywords=("open", "video", "import", "read"),
)
def load_clip(
    *,
    files: Files,
    file: Annotated[str, FileName("open", VIDEO), "A video in the inputs folder."] = "",
    start: Start = 0,
    frames: Annotated[int, Range(0, 100_000), "How many frames; 0: all that there are."] = 0,
    stride: Annotated[int, Range(1, 1000), "Take every n-th frame; the frame rate falls with it."] = 1,
) -> Clip:
    """Read a video; only the frames asked for are kept in memory."""
    return media.read_clip(files.find(file), start=start, frames=frames or None, stride=stride)


def load_image_spec(file: str, files: Files) -> ClipSpec:
    return _cut(media.probe(files.find(file)), 0, 1, 1)


@node(
    version=1,
    category="media",
    spec=load_image_spec,
    content=file_content,
    label="Load image",
    keywords=("open", "picture", "photo", "import", "read"),
)
def load_image(
    *, files: Files, file: Annotated[str, FileName("open", IMAGE), "An image in the inputs folder."] = ""
) -> Clip:
    """Read an image: a clip of one frame."""
    return media.read_clip(files.find(file), frames=1)


def resize_spec(clip: ClipSpec, width: int, height: int) -> ClipSpec:
    return ClipSpec(clip.frames, height, width, clip.fps, clip.channels)


@node(version=1, category="media", spec=resize_spec, keywords=("scale", "size", "fit", "letterbox"))
def resize(
    clip: Annotated[Clip, "What is to be scaled."],
    *,
    width: Annotated[int, Side(1, 8192, 1, "width"), "Width in pixels."] = 64,
    height: Annotated[int, Side(1, 8192, 1, "height"), "Height in pixels."] = 64,
    mode: Annotated[
        Literal["cover", "contain", "stretch"], "cover cuts what sticks out; contain adds bars; stretch distorts."
    ] = "cover",
) -> Clip:
    """Scale a clip to a size in pixels."""
    return Clip(images.resize(clip.frames, height, width, mode), clip.fps)


def crop_spec(clip: ClipSpec, left: int, top: int, width: int, height: int) -> ClipSpec:
    if left + width > clip.width or top + height > clip.height:
        raise SpecError(
            f"Got a box of {width}x{height} at {left}, {top} in a clip of {clip.width}x{clip.height}; it needs to lie "
            "inside. Make it smaller or move it."
        )
    return ClipSpec(clip.frames, height, width, clip.fps, clip.channels)


@node(version=1, category="media", spec=crop_spec, keywords=("cut", "box", "region"))
def crop(
    clip: Annotated[Clip, "What is to be cut."],
    *,
    left: Annotated[int, Range(0, 8192), "First column of the box."] = 0,
    top: Annotated[int, Range(0, 8192), "First row of the box."] = 0,
    width: Annotated[int, Side(1, 8192, 1, "width"), "Width of the box in pixels."] = 64,
    height: Annotated[int, Side(1, 8192, 1, "height"), "Height of the box in pixels."] = 64,
) -> Clip:
    """Cut a box out of every frame."""
    return Clip(images.crop(clip.frames, top, left, height, width), clip.fps)


def trim_spec(clip: ClipSpec, start: int, frames: int, stride: int) -> ClipSpec:
    return _cut(clip, start, frames, stride)


@node(version=1, category="media", spec=trim_spec, keywords=("cut", "length", "frames", "shorten", "time"))
def trim(
    clip: Annotated[Clip, "What is to be shortened."],
    *,
    start: Start = 0,
    frames: Annotated[int, Range(0, 100_000), "How many frames are kept, 1 + 4k for the built-in VAE; 0: all."] = 17,
    stride: Annotated[int, Range(1, 1000), "Take every n-th frame; the frame rate falls with it."] = 1,
) -> Clip:
    """Keep some frames of a clip."""
    spec = trim_spec(clip.spec, start, frames, stride)
    return Clip(np.ascontiguousarray(clip.frames[start::stride][: spec.frames]), spec.fps)


def flatten_spec(clip: ClipSpec) -> ClipSpec:
    return ClipSpec(clip.frames, clip.height, clip.width, clip.fps)


@node(version=2, category="media", spec=flatten_spec, label="Flatten alpha", keywords=("transparency", "background"))
def flatten(
    clip: Annotated[Clip, "A clip with alpha; one without passes as it is."],
    *,
    colour: Annotated[str, Colour(), "What shows through."] = "#ffffff",
) -> Clip:
    """Lay a clip with alpha over an even background."""
    if clip.frames.shape[-1] == 3:
        return clip
    over, alpha = clip.frames[..., :3].astype(np.float32), clip.frames[..., 3:].astype(np.float32) / 255
    under = np.array(_rgb(colour), np.float32)
    return Clip((over * alpha + under * (1 - alpha)).round().astype(np.uint8), clip.fps)


def pad_spec(clip: ClipSpec, left: int, right: int, top: int, bottom: int) -> ClipSpec:
    return ClipSpec(clip.frames, top + clip.height + bottom, left + clip.width + right, clip.fps, clip.channels)


Margin = Range(0, 4096)


@node(version=2, category="media", spec=pad_spec, keywords=("outpaint", "border", "margin", "larger"))
def pad(
    clip: Annotated[Clip, "What is to get room around it."],
    *,
    left: Annotated[int, Margin, "Columns added on the left."] = 0,
    right: Annotated[int, Margin, "Columns added on the right."] = 0,
    top: Annotated[int, Margin, "Rows added above."] = 0,
    bottom: Annotated[int, Margin, "Rows added below."] = 0,
    colour: Annotated[str, Colour(), "Of what is added; a clip with alpha gets it transparent."] = "#000000",
) -> Clip:
    """Add rows and columns of one colour (transparent ones where there is alpha), for instance to outpaint them."""
    return Clip(images.pad(clip.frames, top, bottom, left, right, (*_rgb(colour), 0)), clip.fps)


def join_clips_spec(first: ClipSpec, second: ClipSpec, overlap: int) -> ClipSpec:
    if (first.height, first.width, first.channels) != (second.height, second.width, second.channels):
        raise SpecError(f"Got {first} and {second}; they need one size. Resize one of them, or flatten its alpha.")
    if overlap >= second.frames:
        raise SpecError(
            f"Got an overlap of {overlap} frames with a clip of {second.frames}; something of it needs to be left. "
            f"Try {second.frames - 1} or less."
        )
    return ClipSpec(first.frames + second.frames - overlap, first.height, first.width, first.fps, first.channels)


@node(version=1, category="media", spec=join_clips_spec, keywords=("concatenate", "append", "extend", "sequence"))
def join_clips(
    first: Annotated[Clip, "What comes first; its frame rate is kept."],
    second: Annotated[Clip, "What follows, of the same size."],
    *,
    overlap: Annotated[int, Range(0, 100_000), "Frames at the second clip's start that the first shows already."] = 0,
) -> Clip:
    """Put one clip after another."""
    return Clip(np.concatenate([first.frames, second.frames[overlap:]]), first.fps)


def mask_box_spec(
    clip: ClipSpec, left: int, top: int, width: int, height: int, start: int, frames: int, invert: bool
) -> MaskSpec:
    crop_spec(clip, left, top, width, height)
    _cut(clip, start, frames, 1)
    return MaskSpec(clip.frames, clip.height, clip.width)


@node(version=1, category="media", spec=mask_box_spec, label="Box mask", keywords=("inpaint", "outpaint", "region"))
def mask_box(
    clip: Annotated[Clip, "The clip that the mask is for: it takes its size and length."],
    *,
    left: Annotated[int, Range(0, 8192), "First column of the box."] = 0,
    top: Annotated[int, Range(0, 8192), "First row of the box."] = 0,
    width: Annotated[int, Side(1, 8192, 1, "width"), "Width of the box in pixels."] = 32,
    height: Annotated[int, Side(1, 8192, 1, "height"), "Height of the box in pixels."] = 32,
    start: Annotated[int, Range(0, 1_000_000), "First frame that has the box, counted from 0."] = 0,
    frames: Annotated[int, Range(0, 100_000), "How many frames have the box; 0: all from the first on."] = 0,
    invert: Annotated[bool, "Off: the box is made anew (inpaint). On: all but the box is (outpaint)."] = False,
) -> Mask:
    """Say by a box what is made anew."""
    weight = np.zeros(clip.frames.shape[:3], np.float32)
    stop = start + frames if frames else None
    weight[start:stop, top : top + height, left : left + width] = 1
    return Mask(1 - weight if invert else weight)


@node(
    version=2,
    category="output",
    spec=saved_spec,
    label="Save clip",
    keywords=("export", "write", "mp4", "webm", "gif", "png", "render"),
)
def save_clip(
    clip: Annotated[Clip, "What is to be saved."],
    *,
    files: Files,
    workflow: Workflow,
    file: Target = "clip.mp4",
    quality: Quality = 90,
) -> SavedFile:
    """Write a clip or an image, with the workflow that made it, to the outputs folder: whole or not at all."""
    media.write_clip(clip, files.target(file), quality=quality, workflow=workflow.text or None)
    return saved(file, files)


def _rgb(colour: str) -> tuple[int, int, int]:
    """The parts, 0 to 255, of "#rrggbb"."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _cut(clip: ClipSpec, start: int, frames: int, stride: int) -> ClipSpec:
    """The spec of `frames` frames (0: all) from `start` on, every `stride`-th; SpecError where there are fewer."""
    there = len(range(start, clip.frames, stride))
    if there < max(frames, 1):
        raise SpecError(
            f"Asked for {frames or 'all'} frames from frame {start} on in steps of {stride}; the clip has "
            f"{clip.frames}, which gives {there}. Ask for fewer, start earlier, or take smaller steps."
        )
    return ClipSpec(frames or there, clip.height, clip.width, clip.fps / stride, clip.channels)
