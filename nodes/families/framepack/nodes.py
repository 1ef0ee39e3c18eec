"""FramePack: a clip section by section, each told of what is made around it, and decoded in the same way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np

from assets.values import (
    Clip,
    ClipSpec,
    Conditioning,
    ConditioningSpec,
    DiT,
    Latent,
    LatentSpec,
    Patches,
    PatchesSpec,
    VideoVAE,
)
from nodes.api import Range, Seed, SpecError, node
from nodes.context import Context
from nodes.dit.nodes import LossySkip, OverSteps, sample_spec
from nodes.dit.windows import AddsNone
from nodes.families.framepack.handles import SECTION
from nodes.families.framepack.sections import Order, decoded_together, rows_of
from nodes.video_vae.nodes import LossyTile, decode_latent_spec, decoded_pixels, in_255

if TYPE_CHECKING:
    from torch import Tensor


def sample_sections_spec(
    dit: DiT,
    patches: PatchesSpec,
    conditioning: ConditioningSpec,
    negative: ConditioningSpec | None = None,
    guidance: float = 9,
    guidance_over_steps: str = "",
    order: str = "from the end",
    stay: int = 0,
) -> PatchesSpec:
    if not dit.section:
        raise SpecError(
            f"Got a DiT of {dit.family!r}, which makes a clip all together; use the node 'Sampler', or 'Long sampler'."
        )
    whole = replace(dit, section=0)
    made = sample_spec(whole, patches, conditioning, 1, negative, 0, guidance, guidance_over_steps).patches
    later = patches.grids[0][0] - 1
    if later % dit.section or not later:
        fits = max(1, later // dit.section)
        lengths = [1 + 4 * dit.section * sections for sections in (fits, fits + 1)]
        raise SpecError(
            f"Got a canvas of {later + 1} latent frames; this DiT makes {dit.section} at a time after the first. Try "
            f"{lengths[0]} or {lengths[1]} frames."
        )
    if order == "from the start" and patches.given == "first and last frame":
        raise SpecError(
            "Got a canvas with a last frame; from the start on it is not known where the clip goes. Set the order to "
            "'from the end', or place the first frame alone."
        )
    if stay >= later // dit.section:
        raise SpecError(
            f"Got {stay} sections that stay of {later // dit.section}, so that there is nothing to make. Choose fewer."
        )
    return made


@node(
    version=1,
    category="sampling",
    spec=sample_sections_spec,
    label="FramePack sampler",
    keywords=("framepack", "long video", "sections", "hunyuan", "image to video", "sampler"),
)
def sample_sections(
    dit: Annotated[DiT, "FramePack's diffusion transformer."],
    patches: Annotated[
        Patches, "A canvas of 1 + 36k frames that begins with a picture; or what this node made, to make some anew."
    ],
    conditioning: Annotated[Conditioning, "What is to be seen, with the picture (Encode image)."],
    negative: Annotated[
        Conditioning | None, "What is not to be seen; without it, guidance is told as a number."
    ] = None,
    *,
    ctx: Context,
    seed: Annotated[int, Seed(), "Another seed, another clip; the same seed gives the same clip again."] = 0,
    steps: Annotated[int, Range(1, 200), "Steps for each section."] = 30,
    guidance: Annotated[float, Range(1, 20, 0.1), "How closely the text is followed."] = 9.0,
    guidance_over_steps: OverSteps = "",
    order: Annotated[
        Order,
        "Which section is made first: FramePack goes from the end to the picture, FramePack F1 from the picture on.",
    ] = "from the end",
    sampler: Annotated[AddsNone, "dpm++2m and unipc need fewer steps, heun two forwards a step."] = "euler",
    shift: Annotated[
        float, Range(0, 12, 0.1), "Above 1: more of the steps at high noise; 0: as suits the model."
    ] = 0.0,
    lossy_skip: LossySkip = 0.0,
    stay: Annotated[
        int, Range(0, 100), "How many sections, of those that are made first, stay as the patches have them already."
    ] = 0,
) -> Patches:
    """Make a clip from a picture, section by section. Memory does not grow with the length.

    A last frame, where the canvas has one, is what it goes towards. To go on otherwise from a section, wire what was
    made into another of these nodes: with the same settings it makes the same again, bit for bit.
    """
    import torch
    from einops import rearrange

    from nodes.dit.denoiser import Request
    from nodes.dit.guidance import over_steps
    from nodes.dit.skipping import Skips
    from nodes.dit.stretch import sampled
    from nodes.families.framepack.told import HISTORY, around
    from nodes.patches.layout import patchify, unpatchify

    model, done = ctx.model(dit), ctx.kept()
    rows, high, wide = patches.grids[0]
    count, grid = (rows - 1) // dit.section, (dit.section, high, wide)
    there = unpatchify(torch.as_tensor(patches.tokens)[None], patches.grids[0], patches.patch)[0]
    noise = rearrange(torch.as_tensor(patches.noise), "(t hw) -> t hw", t=rows)
    image, last = there[:, :1], there[:, -1:] if noise[1:-1].any() and not noise[-1].any() else None
    clip = image if order == "from the start" else image[:, :0]
    progress = ctx.steps(count * steps)
    scales = over_steps(guidance, guidance_over_steps, steps)
    # Drawn on the CPU, so that a seed means the same noise on every device.
    generator = torch.Generator().manual_seed(seed)
    size = (dit.section * high * wide, patches.tokens.shape[1])

    for number in range(count):
        eps = torch.randn(size, generator=generator)
        if number < stay + len(done):  # an interrupted run came as far as this
            place = rows_of(number, count, order, dit.section)
            if number < stay and noise[place].any():
                raise ValueError(
                    f"Got {stay} sections that are to stay, on a canvas that has {number}. Wire in what this node made."
                )
            section = there[:, place] if number < stay else torch.as_tensor(done[number - stay]["latent"])
            for _ in range(steps):
                next(progress)
        else:
            nothing = clip.new_zeros(clip.shape[0], HISTORY, *clip.shape[2:])
            past = torch.cat([clip, nothing], dim=1)[:, :HISTORY]
            if order == "from the start":
                past = torch.cat([nothing, clip], dim=1)[:, -HISTORY:]
            elif last is not None and number == 0:
                past[:, :1] = last
            beside = around(image, past, order, dit.section, number, count)
            begun = replace(patches, tokens=torch.zeros(size), noise=torch.ones(size[0]), grids=(grid,), beside=beside)
            levels = model.levels(steps, shift, [grid])
            request = Request(begun, conditioning, negative, seed, guidance, levels, over_steps=scales)
            skips = Skips(lossy_skip) if lossy_skip else None
            made = sampled(model, request, eps, sampler, progress, ctx, skips)
            section = unpatchify(made[None], grid, patches.patch)[0]
            ctx.keep({"latent": section.clone()})
        clip = torch.cat([section, clip] if order == "from the end" else [clip, section], dim=1)
    next(progress, None)

    whole = torch.cat([image, clip], dim=1) if order == "from the end" else clip
    tokens = patchify(whole[None], patches.patch)[0]
    return replace(patches, tokens=tokens, noise=torch.zeros(len(tokens)))


def decode_sections_spec(vae: VideoVAE, latent: LatentSpec) -> ClipSpec:
    made = decode_latent_spec(vae, latent)
    if latent.frames == 1 or (latent.frames - 1) % SECTION:
        raise SpecError(
            f"Got a latent of {latent.frames} frames; FramePack's have 1 + {SECTION}k. Decode others by the node "
            "'Decode latent'."
        )
    return made


@node(
    version=1,
    category="latent",
    spec=decode_sections_spec,
    label="Decode FramePack",
    keywords=("framepack", "vae", "latent to video", "sections", "long video"),
)
def decode_sections(
    vae: Annotated[VideoVAE, "HunyuanVideo's, which FramePack has."],
    latent: Annotated[Latent, "What the FramePack sampler made, put together."],
    *,
    ctx: Context,
    order: Annotated[Order, "As the sampler had it."] = "from the end",
    lossy_tile: LossyTile = 0,
) -> Clip:
    """Decode a clip section by section, each blended with the one before it, as FramePack does."""
    spec = decode_sections_spec(vae, latent.spec)
    frames = np.empty((spec.frames, spec.height, spec.width, spec.channels), np.uint8)
    filled = 0
    for pixels in _blended(vae, latent, ctx, order, lossy_tile):
        frames[filled : filled + pixels.shape[2]] = in_255(pixels)
        filled += pixels.shape[2]
    return Clip(frames, latent.fps)


def _blended(vae: VideoVAE, latent: Latent, ctx: Context, order: Order, tile: int) -> "Iterator[Tensor]":
    """Pixels (1 3 t h w), some frames at a time; what two decodings have in common goes over from one to the other."""
    import torch
    from einops import rearrange

    shared = 1 + (SECTION - 1) * vae.stride[0]
    over = rearrange(torch.linspace(1, 0, shared), "t -> t 1 1")
    parts = decoded_together((latent.spec.frames - 1) // SECTION, order, SECTION)
    held: Tensor | None = None
    for _, rows in zip(ctx.steps(len(parts)), parts, strict=True):
        whole = torch.as_tensor(latent.data)[:, rows]
        pixels = torch.cat([one.cpu() for one in decoded_pixels(vae, whole, ctx, tile)], dim=2)
        if held is not None:
            pixels[:, :, :shared] = over * held + (1 - over) * pixels[:, :, :shared]
        if rows is parts[-1]:
            yield pixels
        else:
            held = pixels[:, :, -shared:]
            yield pixels[:, :, :-shared]
