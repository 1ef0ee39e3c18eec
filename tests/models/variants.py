"""Every variant of every family: how its tiny folder is written, and how a task is asked of it through our nodes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tiny_cogvideox
import tiny_framepack
import tiny_hunyuan
import tiny_hunyuan_i2v
import tiny_ltx
import tiny_mochi
import tiny_skyreels
import tiny_wan
from bench import Bench
from parity import PROMPT
from tiny_text import lasting_folder

from assets.values import Clip, Conditioning, ConditioningSpec, DiT, Patches, PatchesSpec, Text
from nodes.dit.nodes import sample_spec
from nodes.families.canvas import canvas_by_mask, canvas_by_mask_spec
from nodes.families.framepack.nodes import sample_sections_spec
from nodes.families.frames import canvas_from_frames, canvas_from_frames_spec
from nodes.families.images import (
    encode_image,
    encode_image_spec,
    encode_text_with_image,
    encode_text_with_image_spec,
)
from nodes.families.registry import components, image_encoder
from nodes.patches.nodes import (
    arrange_patches,
    arrange_patches_spec,
    noise_patches,
    noise_patches_spec,
    patchify,
    patchify_spec,
)
from nodes.text_encoder.nodes import encode_text, encode_text_spec
from nodes.video_vae.nodes import encode_video, encode_video_spec

SIZE = {"frames": 17, "height": 32, "width": 48}
LARGE = {"frames": 17, "height": 64, "width": 96}
LONG = {"frames": 33, "height": 64, "width": 96}
LONGER = {**SIZE, "frames": 33}


@dataclass(frozen=True)
class Variant:
    """does: the tasks that it can do; all others are refused while wiring. size: of a canvas."""

    write: Callable[[Path], Path]
    does: tuple[str, ...]
    size: dict[str, int]
    sampler: str = "euler"


PLACES: dict[str, Any] = {
    "image": "first frame",
    "last": "last frame",
    "both": "first and last frame",
    "loop": "first and last frame",
    "on": "start",
    "back": "end",
    "connect": "both ends",
}
TASKS = ("text", *PLACES, "edit")

VARIANTS = {
    "Wan 2.1 T2V": Variant(tiny_wan.write_text_to_video, ("text", "edit"), SIZE, "unipc"),
    "Wan 2.1 I2V": Variant(tiny_wan.write_image_to_video, ("image",), SIZE, "unipc"),
    "Wan 2.1 FLF2V": Variant(
        partial(tiny_wan.write_image_to_video, ends=True), ("image", "both", "loop"), SIZE, "unipc"
    ),
    "Wan 2.2 A14B T2V": Variant(
        partial(tiny_wan.write_text_to_video, experts=2, boundary=0.875), ("text", "edit"), SIZE, "unipc"
    ),
    "Wan 2.2 A14B I2V": Variant(
        partial(tiny_wan.write_image_to_video, boundary=0.9), ("image", "both", "loop"), SIZE, "unipc"
    ),
    "Wan 2.2 TI2V-5B": Variant(partial(tiny_wan.write_5b, image=True), TASKS, LARGE, "unipc"),
    "Wan VACE": Variant(tiny_wan.write_vace, TASKS[:-1], SIZE, "unipc"),
    "SkyReels-V2 T2V": Variant(partial(tiny_skyreels.write, forced=False), ("text", "edit"), SIZE, "unipc"),
    "SkyReels-V2 I2V": Variant(tiny_skyreels.write_image_to_video, ("image",), SIZE, "unipc"),
    "SkyReels-V2 DF": Variant(partial(tiny_skyreels.write, forced=True), TASKS, SIZE, "unipc"),
    "LTX-Video 0.9": Variant(tiny_ltx.write, ("text", "image", "edit"), LONG),
    "LTX-Video 0.9.5": Variant(partial(tiny_ltx.write, keyed=True, finishes=True), TASKS, LONG),
    "CogVideoX 2B": Variant(partial(tiny_cogvideox.write, kind="2b"), ("text", "edit"), SIZE, "ddim"),
    "CogVideoX 5B": Variant(partial(tiny_cogvideox.write, kind="5b"), ("text", "edit"), SIZE, "ddim"),
    "CogVideoX 5B I2V": Variant(partial(tiny_cogvideox.write, kind="5b image"), ("image",), SIZE, "ddim"),
    "CogVideoX 1.5": Variant(partial(tiny_cogvideox.write, kind="1.5"), ("text", "edit"), LONGER, "ddim"),
    "CogVideoX 1.5 I2V": Variant(partial(tiny_cogvideox.write, kind="1.5 image"), ("image",), LONGER, "ddim"),
    "HunyuanVideo": Variant(tiny_hunyuan.write, ("text", "edit"), SIZE),
    "HunyuanVideo I2V concat": Variant(partial(tiny_hunyuan_i2v.write, told="latent_concat"), ("image",), SIZE),
    "HunyuanVideo I2V replace": Variant(partial(tiny_hunyuan_i2v.write, told="token_replace"), ("image",), SIZE),
    "FramePack": Variant(tiny_framepack.write, ("image", "both", "loop"), {"frames": 37, "height": 32, "width": 48}),
    "Mochi": Variant(tiny_mochi.write, ("text", "edit"), {"frames": 25, "height": 32, "width": 48}),
}


@cache
def folder(name: str) -> Path:
    """A variant's tiny folder, made once."""
    return VARIANTS[name].write(lasting_folder() / "model")


class Asked(NamedTuple):
    dit: DiT
    canvas: Patches
    text: Conditioning


def asked(name: str, task: str) -> Asked:
    """A canvas for the task and what it is to show; SpecError as the editor gets it where the variant cannot."""
    models = components(folder(name))
    canvas, spec = _canvas(name, task)
    text, said = _text(name, task)
    if models.dit.section:
        sample_sections_spec(models.dit, spec, said)
    else:
        sample_spec(models.dit, spec, said, 4)
    return Asked(models.dit, canvas, text)


def drawn(seed: int, frames: int, size: dict[str, int]) -> Clip:
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, size["height"], size["width"], 3), np.uint8)
    return Clip(pixels, 16.0)


def given(name: str, task: str) -> tuple[Clip, Clip | None]:
    """What a task starts from: an image, or a clip of two latent frames; and what it is to end with."""
    vae, size = components(folder(name)).vae, VARIANTS[name].size
    frames = 1 + vae.stride[0] * vae.together if task in ("on", "back", "connect") else 1
    return drawn(1, frames, size), drawn(2, 1, size) if task in ("both", "connect") else None


def _canvas(name: str, task: str) -> tuple[Patches, PatchesSpec]:
    (_, dit, vae), size, ctx = components(folder(name)), VARIANTS[name].size, Bench()
    width, height, frames = size["width"], size["height"], size["frames"]
    if task == "text" and dit.told == "by a mask":
        spec = canvas_by_mask_spec(dit, vae, "nothing", 1.0, width, height, frames, 16.0)
        return canvas_by_mask(dit, vae, ctx=ctx, fps=16.0, **size), spec
    if task in ("text", "edit"):
        empty = noise_patches_spec(dit, vae, width, height, frames, 16.0)
        canvas = noise_patches(dit, vae, fps=16.0, **size)
        if task == "text":
            return canvas, empty
        clip = drawn(1, frames, size)
        whole = patchify_spec(encode_video_spec(vae, clip.spec), "tubelet", 1, 2, dit)
        spec = arrange_patches_spec(empty, whole, "all", 0, 0, strength=0.6)
        edited = patchify(encode_video(vae, clip, ctx=ctx), dit)
        return arrange_patches(canvas, edited, place="all", strength=0.6), spec
    first, last = given(name, task)
    place = PLACES[task]
    spec = canvas_from_frames_spec(dit, vae, first.spec, place, frames, 16.0, last and last.spec)
    return canvas_from_frames(dit, vae, first, last, ctx=ctx, place=place, frames=frames, fps=16.0), spec


def _text(name: str, task: str) -> tuple[Conditioning, ConditioningSpec]:
    (encoder, dit, _), ctx, words = components(folder(name)), Bench(), Text(PROMPT)
    first, last = given(name, task)
    if encoder.images:
        spec = encode_text_with_image_spec(encoder, words.spec, first.spec)
        return encode_text_with_image(encoder, words, first, ctx=ctx), spec
    text, spec = encode_text(encoder, words, ctx=ctx), encode_text_spec(encoder, words.spec)
    if not dit.images:
        return text, spec
    looks, end = image_encoder(folder(name)), (last or first) if dit.images == 2 else None
    spec = encode_image_spec(looks, spec, first.spec, end and end.spec)
    return encode_image(looks, text, first, end, ctx=ctx), spec
