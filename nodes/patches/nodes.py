"""Patches: the canvas, what is given on it, and the way between latents and tokens."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from assets.values import DiT, Latent, LatentSpec, Mask, MaskSpec, Patches, PatchesSpec, VideoVAE
from nodes import curve
from nodes.api import Curve, Range, Side, SpecError, node, warn
from nodes.dit.given import require_sides
from nodes.patches.arrangement import Place, given_by, mask_cells, placements
from nodes.video_vae.sizes import latent_size, require_space

if TYPE_CHECKING:
    from torch import Tensor


def noise_patches_spec(dit: DiT, vae: VideoVAE, width: int, height: int, frames: int, fps: float) -> PatchesSpec:
    require_space("DiT", dit.space, vae.space)
    _, *patch_sides = dit.patch
    units = [stride * side for stride, side in zip(vae.stride[1:], patch_sides, strict=True)]
    for name, pixels, unit in zip(("high", "wide"), (height, width), units, strict=True):
        if pixels % unit:
            below = max(unit, pixels // unit * unit)
            raise SpecError(
                f"Got a canvas {pixels} pixels {name}; a patch covers {unit}, so it must be a multiple. "
                f"Try {below} or {below + unit}."
            )
    t, h, w = latent_size(vae, frames, height, width)
    require_sides(dit, (t, height // units[0], width // units[1]), (units[0], units[1]))
    return _cut(LatentSpec(vae.channels, t, h, w, vae.space, fps), dit.patch)


@node(
    version=1,
    category="patches",
    spec=noise_patches_spec,
    label="Canvas",
    keywords=("noise", "empty latent", "size", "aspect ratio", "length", "text to video"),
)
def noise_patches(
    dit: Annotated[DiT, "Its patch size cuts the canvas."],
    vae: Annotated[VideoVAE, "Its stride says how many pixels and frames a latent cell stands for."],
    *,
    width: Annotated[int, Side(16, 4096, 16, "width"), "Width in pixels."] = 64,
    height: Annotated[int, Side(16, 4096, 16, "height"), "Height in pixels."] = 64,
    frames: Annotated[int, Range(1, 1025, 4, free=True), "How many: 1 for an image, else as the VAE takes them."] = 17,
    fps: Annotated[float, Range(1, 120), "Frames per second of the clip."] = 8.0,
) -> Patches:
    """An empty canvas of any size, length and aspect ratio: every patch is to be made. The sampler draws the noise."""
    import torch

    spec = noise_patches_spec(dit, vae, width, height, frames, fps)
    tokens, noise = torch.zeros(spec.tokens, spec.dim), torch.ones(spec.tokens)
    return Patches(tokens, noise, spec.grids, spec.patch, spec.space, spec.fps)


def patchify_spec(
    latent: LatentSpec, mode: str, patch_time: int, patch_side: int, dit: DiT | None = None
) -> PatchesSpec:
    if dit is not None:
        require_space("DiT", dit.space, latent.space)
        return _cut(latent, dit.patch)
    return _cut(latent, (patch_time if mode == "tubelet" else 1, patch_side, patch_side))


@node(version=1, category="patches", spec=patchify_spec, keywords=("tokens", "tubelet", "vivit", "cut"))
def patchify(
    latent: Annotated[Latent, "What is to be cut."],
    dit: Annotated[
        DiT | None, "The DiT that is to work on the patches: it sets the patch size, not the widgets."
    ] = None,
    *,
    mode: Annotated[
        Literal["tubelet", "frame"],
        "tubelet: a patch spans several latent frames. frame: each latent frame is cut by itself (ViViT's two ways).",
    ] = "tubelet",
    patch_time: Annotated[int, Range(1, 8), "Latent frames that a tubelet spans."] = 1,
    patch_side: Annotated[int, Range(1, 8), "Side of a patch in latent cells."] = 2,
) -> Patches:
    """Cut a latent into spacetime patches, one token each. All of them count as given (noise level 0)."""
    import torch

    from nodes.patches import layout

    spec = patchify_spec(latent.spec, mode, patch_time, patch_side, dit)
    data = torch.as_tensor(latent.data, dtype=torch.float32)
    tokens = layout.patchify(data[None], spec.patch)[0]
    noise = torch.zeros(spec.tokens, device=tokens.device)
    return Patches(tokens, noise, spec.grids, spec.patch, spec.space, spec.fps)


def arrange_patches_spec(
    canvas: PatchesSpec,
    given: PatchesSpec,
    place: Place,
    rows: int,
    position: int,
    second: PatchesSpec | None = None,
    mask: MaskSpec | None = None,
    strength: float = 0,
    strength_over_time: str = "",
) -> PatchesSpec:
    _require_no_lead(canvas)
    made = placements(canvas, given, second, place, rows, position)
    if mask is not None:
        mask_cells(mask, canvas)
    if second is not None and not any(one.second for one in made):
        warn(f"The place {place!r} does not use the second clip; choose 'both ends' to use it.")
    if strength_over_time and not strength:
        warn("The strength is 0, so its curve over time changes nothing; raise it.")
    whole = mask is None and not strength_over_time
    return replace(canvas, given=given_by(canvas, made) if whole else "anywhere", told="by itself")


@node(
    version=3,
    category="patches",
    spec=arrange_patches_spec,
    label="Arrange patches",
    keywords=("image to video", "animate", "extend", "loop", "connect", "inpaint", "edit", "sdedit", "keyframe"),
)
def arrange_patches(
    canvas: Annotated[Patches, "The patches that are to be made."],
    given: Annotated[Patches, "What is there already: an image or a clip, cut into patches."],
    second: Annotated[Patches | None, "Another clip for the far end; without it, the first serves there too."] = None,
    mask: Annotated[Mask | None, "Where 1, given patches are made anew; in pixels and frames of the canvas."] = None,
    *,
    place: Annotated[
        Place,
        "Where the given patches go. first frame: animate an image. start, end: extend a clip. "
        "first and last frame: a loop. both ends: connect two clips. all: edit, or inpaint by a mask.",
    ] = "first frame",
    strength: Annotated[
        float, Range(0, 1, 0.05), "How far given patches may change: 0 keeps them, about 0.6 edits, 1 makes them anew."
    ] = 0.0,
    strength_over_time: Annotated[
        str, Curve(0, 1, "time"), "How much of the strength counts, from the canvas's first frame to its last."
    ] = "",
    rows: Annotated[
        int,
        Range(0, 256),
        "Latent frames of a given clip to use, from its beginning; 0: all. For start, end and position.",
    ] = 0,
    position: Annotated[int, Range(0, 256), "First latent frame that is covered. For 'at position'."] = 0,
) -> Patches:
    """Say what is given on a canvas: every task is an arrangement of patches, and one sampler does them all.

    A clip's first latent frame stands for one frame, the others for four each. So a clip that goes anywhere but to the
    canvas's start is given without its first frame: the frame before it is made anew.
    """
    import torch
    from einops import rearrange

    made = placements(canvas.spec, given.spec, second.spec if second else None, place, rows, position)
    t, h, w = canvas.grids[0]
    tokens = rearrange(torch.as_tensor(canvas.tokens), "(t hw) d -> t hw d", t=t).clone()
    noise = rearrange(torch.as_tensor(canvas.noise), "(t hw) -> t hw", t=t).clone()
    levels = torch.zeros_like(noise) if mask is None else _mask_levels(mask, canvas, noise)
    least = torch.tensor(_strengths(strength, strength_over_time, t), dtype=noise.dtype, device=noise.device)[:, None]
    for one in made:
        source = second if one.second and second else given
        theirs = torch.as_tensor(source.tokens, device=tokens.device)
        tokens[one.put] = rearrange(theirs, "(t hw) d -> t hw d", hw=h * w)[one.take]
        noise[one.put] = torch.maximum(levels[one.put], least[one.put])
    return Patches(
        rearrange(tokens, "t hw d -> (t hw) d"),
        rearrange(noise, "t hw -> (t hw)"),
        canvas.grids,
        canvas.patch,
        canvas.space,
        canvas.fps,
    )


def unpatchify_spec(patches: PatchesSpec) -> LatentSpec:
    if len(patches.grids) != 1:
        raise SpecError(f"Got {len(patches.grids)} clips packed together; a latent holds one. Split them first.")
    (t, h, w), (pt, ph, pw) = patches.grids[0], patches.patch
    frames = (t - patches.lead) * pt
    return LatentSpec(patches.dim // (pt * ph * pw), frames, h * ph, w * pw, patches.space, patches.fps)


@node(version=1, category="patches", spec=unpatchify_spec, keywords=("tokens", "join", "assemble"))
def unpatchify(patches: Annotated[Patches, "What the sampler made."]) -> Latent:
    """Put patches together to a latent; pictures that the DiT went by are left out."""
    import torch

    from nodes.patches import layout

    spec = unpatchify_spec(patches.spec)
    whole = layout.unpatchify(torch.as_tensor(patches.tokens)[None], patches.grids[0], patches.patch)[0]
    return Latent(whole[:, patches.lead * patches.patch[0] :], spec.space, spec.fps)


def _cut(latent: LatentSpec, patch: tuple[int, int, int]) -> PatchesSpec:
    sizes = (latent.frames, latent.height, latent.width)
    for name, size, part in zip(("frames", "rows", "columns"), sizes, patch, strict=True):
        if size % part:
            below = max(part, size // part * part)
            raise SpecError(
                f"Got a latent of {size} {name}; a patch spans {part}, so it needs a multiple. Try a clip that gives "
                f"{below} or {below + part} (resize, crop or trim), or another patch size."
            )
    t, h, w = (size // part for size, part in zip(sizes, patch, strict=True))
    dim = latent.channels * patch[0] * patch[1] * patch[2]
    return PatchesSpec(((t, h, w),), dim, patch, latent.space, latent.fps, given="nowhere")


def _require_no_lead(canvas: PatchesSpec) -> None:
    if canvas.lead:
        raise SpecError(
            f"Got a canvas that begins with {canvas.lead} reference pictures; arrange what is given before they are "
            "added."
        )


def _strengths(strength: float, over_time: str, rows: int) -> list[float]:
    """The strength in each of so many rows of time."""
    if not over_time:
        return [strength] * rows
    points = curve.read(over_time, 0, 1)
    return [strength * points.at(row / max(1, rows - 1)) for row in range(rows)]


def _mask_levels(mask: Mask, canvas: Patches, like: "Tensor") -> "Tensor":
    """The noise level (t, h w) that a mask asks of each patch: the highest weight under it."""
    import torch
    from einops import reduce, repeat

    frames, high, wide = mask_cells(mask.spec, canvas.spec)
    weight = torch.as_tensor(mask.weight, dtype=like.dtype, device=like.device)
    cells = reduce(weight, "f (h p) (w q) -> f (h w)", "max", p=high, q=wide)
    pt = canvas.patch[0]
    if not frames:
        return repeat(cells, "1 hw -> t hw", t=like.shape[0])
    later = reduce(cells[1:], "(t f) hw -> t hw", "max", f=frames)
    return reduce(torch.cat([cells[:1], later]), "(t p) hw -> t hw", "max", p=pt)
