"""A canvas from the frames that are there, in the way that each DiT is told of them."""

from dataclasses import replace
from typing import Annotated

from assets.values import Clip, ClipSpec, DiT, Patches, PatchesSpec, VideoVAE
from nodes.api import Range, SpecError, node, warn
from nodes.context import Context
from nodes.dit.given import require_place
from nodes.families.canvas import told_by_mask
from nodes.families.grey import FramesPlace, frames_given, named, row_levels, spans
from nodes.patches.nodes import (
    arrange_patches,
    arrange_patches_spec,
    noise_patches,
    noise_patches_spec,
    patchify,
    patchify_spec,
)
from nodes.video_vae.nodes import encode_video, encode_video_spec, encoded_pixels


def canvas_from_frames_spec(
    dit: DiT, vae: VideoVAE, clip: ClipSpec, place: FramesPlace, frames: int, fps: float, second: ClipSpec | None = None
) -> PatchesSpec:
    for one in (clip, second):
        if one and one.channels != 3:
            raise SpecError("Got a clip with alpha; the VAE needs plain RGB. Put the flatten node before it.")
    if second and (second.width, second.height) != (clip.width, clip.height):
        raise SpecError(
            f"Got frames of {clip.width}x{clip.height} and, for the end, of {second.width}x{second.height}; both need "
            "one size. Resize or crop the second."
        )
    if second and place not in ("first and last frame", "end", "both ends"):
        warn(f"The place {place!r} does not use the second clip; choose 'first and last frame' or 'both ends'.")
    canvas = noise_patches_spec(dit, vae, clip.width, clip.height, frames, _rate(clip, fps))
    if dit.told != "by itself":
        made = spans(place, frames, clip.frames, second.frames if second else None, vae.stride[0])
        canvas = replace(canvas, given=named(frames_given(made), frames), told=dit.told)
    else:
        there, end = (
            patchify_spec(encode_video_spec(vae, one), "tubelet", 1, 2, dit) if one else None for one in (clip, second)
        )
        assert there is not None
        canvas = arrange_patches_spec(canvas, there, place, 0, 0, end)
        rows = (end or there).grids[0][0]
        _require_room(dit, place, canvas.grids[0][0], there.grids[0][0], rows)
    require_place(dit, canvas)
    return canvas


@node(
    version=1,
    category="patches",
    spec=canvas_from_frames_spec,
    label="Canvas from frames",
    keywords=("image to video", "i2v", "flf2v", "animate", "extend", "first frame", "last frame", "connect"),
)
def canvas_from_frames(
    dit: Annotated[DiT, "It says how it is to be told of the frames."],
    vae: Annotated[VideoVAE, "The VAE of the DiT's family."],
    clip: Annotated[Clip, "The image or the clip that is there; the canvas has its size."],
    second: Annotated[Clip | None, "Another image or clip for the end; without it, the first serves there too."] = None,
    *,
    ctx: Context,
    place: Annotated[
        FramesPlace, "Where the frames go. first frame: animate an image. start, end: extend a clip."
    ] = "first frame",
    frames: Annotated[int, Range(1, 1025, 4, free=True), "Number of frames of the canvas, as the VAE takes them."] = 17,
    fps: Annotated[float, Range(1, 120), "Frames per second of the canvas; a clip that is given keeps its own."] = 8.0,
) -> Patches:
    """A canvas on which frames are given, for the DiTs of every family; what is not given is made by the sampler.

    Most DiTs take the given frames' own latents as patches. Wan's image-to-video DiTs were trained on the latent of a
    whole clip, grey but for those frames: there the frames are put into such a clip before it is encoded. Wan VACE is
    told by a mask as well which of its frames are given.
    """
    if dit.told != "by itself":
        return _among_grey(dit, vae, clip, second, ctx, place, frames, fps)
    _, high, wide, _ = clip.frames.shape
    canvas = noise_patches(dit, vae, width=wide, height=high, frames=frames, fps=_rate(clip.spec, fps))
    if dit.beside and place in ("last frame", "first and last frame"):  # which stands beside the canvas by itself
        second = second and replace(second, frames=second.frames[-1:])
        clip = replace(clip, frames=clip.frames[-1:]) if place == "last frame" else clip
    given = patchify(encode_video(vae, clip, ctx=ctx), dit)
    end = patchify(encode_video(vae, second, ctx=ctx), dit) if second else None
    made: Patches = arrange_patches(canvas, given, end, place=place)
    if _leads(dit, place, (end or given).grids[0][0]):
        return _led(made, end or given, dit.beside)
    return _held_still(made, dit.still) if dit.still < 1 else made


def _leads(dit: DiT, place: FramesPlace, rows: int) -> bool:
    """Whether a clip of so many rows at the end is led by some that the DiT is shown beside the canvas."""
    return bool(dit.beside) and place in ("end", "both ends") and rows > 1


def _require_room(dit: DiT, place: FramesPlace, length: int, start: int, end: int) -> None:
    """SpecError where what leads a clip at the end has no place of its own."""
    before = start if place == "both ends" else 0
    if _leads(dit, place, end) and before + end > length:
        raise SpecError(
            f"The two ends meet: {before} and {end} latent frames on a canvas of {length}. Make the canvas longer, or "
            "trim the clips."
        )


def _led(canvas: Patches, clip: Patches, count: int) -> Patches:
    """A canvas that ends with a clip from its second row on: now from its first, `count` rows as keys beside it."""
    import torch
    from einops import rearrange

    length, rows = canvas.grids[0][0], clip.grids[0][0]
    tokens = rearrange(torch.as_tensor(canvas.tokens), "(t hw) d -> t hw d", t=length).clone()
    noise = rearrange(torch.as_tensor(canvas.noise), "(t hw) -> t hw", t=length).clone()
    first = length - rows
    tokens[first] = rearrange(torch.as_tensor(clip.tokens), "(t hw) d -> t hw d", t=rows)[0]
    noise[first] = 0
    keys = torch.arange(first, first + min(count, rows))
    return replace(canvas, tokens=tokens.flatten(0, 1), noise=noise.flatten(), beside={"keys": keys})


def _held_still(canvas: Patches, level: float) -> Patches:
    """What is to be made begins, at this level of noise, with the first frame held still."""
    import torch
    from einops import rearrange

    tokens = rearrange(torch.as_tensor(canvas.tokens), "(t hw) d -> t hw d", t=canvas.grids[0][0])
    held = rearrange(tokens[:1].expand_as(tokens), "t hw d -> (t hw) d").clone()
    return replace(canvas, tokens=held, noise=torch.as_tensor(canvas.noise).clamp(max=level))


def _among_grey(
    dit: DiT, vae: VideoVAE, clip: Clip, second: Clip | None, ctx: Context, place: FramesPlace, frames: int, fps: float
) -> Patches:
    """Encoded with zeros in [-1, 1], which no 8-bit frame holds, for all frames that are not given.

    A patch's noise level is the share of its frames that is to be made (diffusers pipelines/wan, pipeline_wan_i2v.py).
    """
    import torch
    from einops import rearrange, reduce, repeat

    from nodes.patches import layout

    made = spans(place, frames, len(clip.frames), len(second.frames) if second else None, vae.stride[0])
    _, high, wide, _ = clip.frames.shape
    pixels = torch.zeros(frames, high, wide, 3)
    for one in made:
        source = second if one.second and second else clip
        there = torch.as_tensor(source.frames[one.first : one.first + one.count]).float() / 127.5 - 1
        pixels[one.start : one.stop] = there
    if dit.told == "by a mask":
        mask = torch.ones(frames, high, wide)
        mask[sorted(frames_given(made))] = 0
        return told_by_mask(dit, vae, pixels, mask, ctx, _rate(clip.spec, fps))
    latent = encoded_pixels(vae, rearrange(pixels, "t h w c -> 1 c t h w").to(ctx.device), ctx)
    tokens = layout.patchify(latent.float(), dit.patch)[0]
    levels = torch.tensor(row_levels(frames_given(made), frames, vae.stride[0]), device=tokens.device)
    spec = noise_patches_spec(dit, vae, wide, high, frames, _rate(clip.spec, fps))
    of_rows = reduce(levels, "(t pt) -> t", "max", pt=dit.patch[0])
    noise = repeat(of_rows, "t -> (t hw)", hw=spec.tokens // len(of_rows))
    return Patches(tokens, noise, spec.grids, spec.patch, spec.space, spec.fps)


def _rate(clip: ClipSpec, fps: float) -> float:
    return clip.fps if clip.frames > 1 else fps
