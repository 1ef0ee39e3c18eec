"""FramePack's sampler: a clip section by section, each told of what is made around it."""

from dataclasses import replace
from typing import Annotated, Literal

from assets.values import Conditioning, ConditioningSpec, DiT, Patches, PatchesSpec
from nodes.api import Range, Seed, SpecError, node
from nodes.context import Context
from nodes.dit.nodes import OverSteps, sample_spec
from nodes.dit.windows import AddsNone


def sample_sections_spec(
    dit: DiT,
    patches: PatchesSpec,
    conditioning: ConditioningSpec,
    negative: ConditioningSpec | None = None,
    guidance: float = 9,
    guidance_over_steps: str = "",
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
    patches: Annotated[Patches, "A canvas that begins with a picture, of 1 + 36k frames."],
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
        Literal["from the end", "from the start"],
        "Which section is made first: FramePack goes from the end to the picture, FramePack F1 from the picture on.",
    ] = "from the end",
    sampler: Annotated[AddsNone, "dpm++2m and unipc need fewer steps, heun two forwards a step."] = "euler",
    shift: Annotated[
        float, Range(0, 12, 0.1), "Above 1: more of the steps at high noise; 0: as suits the model."
    ] = 0.0,
) -> Patches:
    """Make a clip from a picture, section by section. Memory does not grow with the length."""
    import torch
    from einops import rearrange

    from nodes.dit.denoiser import Request
    from nodes.dit.guidance import over_steps
    from nodes.dit.stretch import sampled
    from nodes.families.framepack.told import HISTORY, around
    from nodes.patches.layout import patchify, unpatchify

    model, done = ctx.model(dit), ctx.kept()
    rows, high, wide = patches.grids[0]
    count, grid = (rows - 1) // dit.section, (dit.section, high, wide)
    row = rearrange(torch.as_tensor(patches.tokens), "(t hw) d -> t hw d", t=rows)[:1]
    image = unpatchify(row, (1, high, wide), patches.patch)[0]
    clip = image if order == "from the start" else image[:, :0]
    progress = ctx.steps(count * steps)
    scales = over_steps(guidance, guidance_over_steps, steps)
    # Drawn on the CPU, so that a seed means the same noise on every device.
    generator = torch.Generator().manual_seed(seed)
    size = (dit.section * high * wide, patches.tokens.shape[1])

    for number in range(count):
        eps = torch.randn(size, generator=generator)
        if number < len(done):  # an interrupted run came as far as this
            section = torch.as_tensor(done[number]["latent"])
            for _ in range(steps):
                next(progress)
        else:
            nothing = clip.new_zeros(clip.shape[0], HISTORY, *clip.shape[2:])
            past = torch.cat([clip, nothing], dim=1)[:, :HISTORY]
            if order == "from the start":
                past = torch.cat([nothing, clip], dim=1)[:, -HISTORY:]
            beside = around(image, past, order, dit.section, number, count)
            begun = replace(patches, tokens=torch.zeros(size), noise=torch.ones(size[0]), grids=(grid,), beside=beside)
            levels = model.levels(steps, shift, [grid])
            request = Request(begun, conditioning, negative, seed, guidance, levels, over_steps=scales)
            section = unpatchify(sampled(model, request, eps, sampler, progress, ctx)[None], grid, patches.patch)[0]
            ctx.keep({"latent": section.clone()})
        clip = torch.cat([section, clip] if order == "from the end" else [clip, section], dim=1)
    next(progress, None)

    whole = torch.cat([image, clip], dim=1) if order == "from the end" else clip
    tokens = patchify(whole[None], patches.patch)[0]
    return replace(patches, tokens=tokens, noise=torch.zeros(len(tokens)))
