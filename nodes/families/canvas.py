"""A canvas told by a mask: what is to be kept of a clip, what is to be made, and pictures to go by."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from assets.values import Clip, ClipSpec, DiT, Latent, Mask, MaskSpec, Patches, PatchesSpec, VideoVAE
from nodes.api import Range, Side, SpecError, node, warn
from nodes.context import Context
from nodes.dit.given import require_place
from nodes.patches.nodes import arrange_patches, arrange_patches_spec, noise_patches, noise_patches_spec, patchify
from nodes.video_vae.nodes import encode_video, encoded_pixels
from nodes.video_vae.sizes import require_space

if TYPE_CHECKING:
    from torch import Tensor

Under = Literal["nothing", "the clip"]


def canvas_by_mask_spec(
    dit: DiT,
    vae: VideoVAE,
    under: Under,
    scale: float,
    width: int,
    height: int,
    frames: int,
    fps: float,
    clip: ClipSpec | None = None,
    mask: MaskSpec | None = None,
) -> PatchesSpec:
    masked = dit.told == "by a mask"
    if clip is None:
        if mask is not None:
            raise SpecError("Got a mask without a clip that it lies over. Wire the clip in too, or leave out the mask.")
        return replace(noise_patches_spec(dit, vae, width, height, frames, fps), told=dit.told)
    if clip.channels != 3:
        raise SpecError("Got a clip with alpha; the VAE needs plain RGB. Put the flatten node before it.")
    if mask is None and not masked:
        raise SpecError(
            f"Got a clip without a mask; {dit.family} keeps what is given, and here nothing says what it is to make. "
            "Wire a mask in too, or use a DiT that takes a clip as a guide (Wan VACE)."
        )
    if mask and (mask.width, mask.height) != (clip.width, clip.height):
        raise SpecError(
            f"Got a mask of {mask.width}x{mask.height} over a clip of {clip.width}x{clip.height}; it needs the clip's "
            "size. Make it of that clip."
        )
    if not masked and (under != "nothing" or scale != 1):
        warn(f"{dit.family} is told by no mask: what lies under it, and the scale, change nothing.")
    canvas = noise_patches_spec(dit, vae, clip.width, clip.height, clip.frames, clip.fps)
    if mask:
        canvas = arrange_patches_spec(canvas, replace(canvas, given="nowhere"), "all", 0, 0, mask=mask)
        require_place(dit, canvas)
    return replace(canvas, told=dit.told)


@node(
    version=1,
    category="patches",
    spec=canvas_by_mask_spec,
    label="Canvas by mask",
    keywords=("vace", "inpaint", "outpaint", "control", "depth", "pose", "guide", "mask", "edit"),
)
def canvas_by_mask(
    dit: Annotated[DiT, "It says how it is to be told of the clip and the mask."],
    vae: Annotated[VideoVAE, "The VAE of the DiT's family."],
    clip: Annotated[Clip | None, "What is kept, or a guide; the canvas has its size and length."] = None,
    mask: Annotated[
        Mask | None, "Where 1, the clip is made anew. Without it all of it is, and the clip is a guide (Wan VACE)."
    ] = None,
    *,
    ctx: Context,
    under: Annotated[
        Under,
        "What Wan VACE sees under the mask. nothing: it fills in. the clip: it goes by that (depth, poses, a sketch).",
    ] = "nothing",
    scale: Annotated[float, Range(0, 2, 0.05), "How much clip, mask and pictures count with Wan VACE; 0: not."] = 1.0,
    width: Annotated[int, Side(16, 4096, 16, "width"), "Width in pixels, where there is no clip."] = 64,
    height: Annotated[int, Side(16, 4096, 16, "height"), "Height in pixels, where there is no clip."] = 64,
    frames: Annotated[int, Range(1, 1025, 4, free=True), "Number of frames, where there is no clip."] = 17,
    fps: Annotated[float, Range(1, 120), "Frames per second, where there is no clip."] = 8.0,
) -> Patches:
    """A canvas of which a mask says what is made: inpaint, outpaint, or a clip after a guide.

    Wan VACE is told pixel by pixel. The DiTs of other families are given all patches that the mask leaves alone.
    """
    import torch

    if dit.told == "by a mask":
        size = (frames, height, width) if clip is None else clip.frames.shape[:3]
        hidden = torch.ones(*size) if mask is None else torch.as_tensor(mask.weight).cpu().expand(size[0], -1, -1)
        pixels = torch.zeros(*size, 3) if clip is None else torch.as_tensor(clip.frames).float() / 127.5 - 1
        if mask is not None and under == "nothing":
            pixels = pixels * (hidden <= 0.5)[..., None]
        return told_by_mask(dit, vae, pixels, hidden, ctx, clip.fps if clip else fps, scale)
    if clip is None:
        return noise_patches(dit, vae, width=width, height=height, frames=frames, fps=fps)  # type: ignore[no-any-return]
    frames, high, wide, _ = clip.frames.shape
    canvas = noise_patches(dit, vae, width=wide, height=high, frames=frames, fps=clip.fps)
    given = patchify(encode_video(vae, clip, ctx=ctx), dit)
    made: Patches = arrange_patches(canvas, given, mask=mask, place="all")
    return made


def told_by_mask(
    dit: DiT, vae: VideoVAE, pixels: "Tensor", mask: "Tensor", ctx: Context, fps: float, scale: float = 1.0
) -> Patches:
    """The canvas that pixels (t h w 3) in [-1, 1] and a mask (t h w) in [0, 1] make; grey is 0.

    Its own content is what the mask leaves of the clip; what lies under the mask, and the mask, go beside it. All
    pixels of a latent cell are channels of the mask, and of a latent row's frames one speaks for all, as in training
    (Jiang et al. 2025, VACE, section 3.2; diffusers pipelines/wan, pipeline_wan_vace.py).
    """
    import torch
    import torch.nn.functional as F
    from einops import rearrange

    hidden = (mask > 0.5).float()[..., None]
    kept, under = (
        encoded_pixels(vae, rearrange(part, "t h w c -> 1 c t h w").to(ctx.device), ctx).float().cpu()
        for part in (pixels * (1 - hidden), pixels * hidden)
    )
    _, high, wide = vae.stride
    cells = rearrange(mask.float(), "t (h p) (w q) -> 1 (p q) t h w", p=high, q=wide)
    rows = F.interpolate(cells, size=kept.shape[2:], mode="nearest-exact")
    frames, height, width = mask.shape
    canvas = noise_patches(dit, vae, width=width, height=height, frames=frames, fps=fps)
    given = patchify(Latent(kept[0], vae.space, fps), dit)
    made: Patches = arrange_patches(canvas, given, mask=Mask(mask), place="all")
    beside = {"under": under[0], "mask": rows[0], "scale": torch.tensor(float(scale))}
    return replace(made, beside=beside)


def add_reference_spec(canvas: PatchesSpec, vae: VideoVAE, picture: ClipSpec) -> PatchesSpec:
    require_space("canvas", canvas.space, vae.space)
    if canvas.told != "by a mask":
        raise SpecError(
            "Got a canvas without a mask; only DiTs that are told by one go by pictures (Wan VACE). Make the canvas "
            "with the node 'Canvas by mask', with such a DiT."
        )
    if picture.channels != 3:
        raise SpecError("Got a picture with alpha; the VAE needs plain RGB. Put the flatten node before it.")
    (t, h, w), *_ = canvas.grids
    return replace(canvas, grids=((t + picture.frames, h, w),), lead=canvas.lead + picture.frames)


@node(
    version=1,
    category="patches",
    spec=add_reference_spec,
    label="Reference picture",
    keywords=("vace", "subject", "character", "style", "reference to video", "picture"),
)
def add_reference(
    canvas: Annotated[Patches, "A canvas for a DiT that is told by a mask (Wan VACE)."],
    vae: Annotated[VideoVAE, "The VAE of the DiT's family."],
    picture: Annotated[Clip, "Who or what is to be seen, before a plain ground; each frame is a picture of its own."],
    *,
    ctx: Context,
) -> Patches:
    """Show a DiT who or what is to be seen. Several pictures: one node after the other, or a clip of them.

    A picture goes before the canvas as a row of time of its own, whole, on white; it is left out of what is made.
    """
    import torch

    from nodes.patches import layout

    (t, h, w), (pt, ph, pw) = canvas.grids[0], canvas.patch
    size = (h * ph * vae.stride[1], w * pw * vae.stride[2])
    pictures = [_on_white(torch.as_tensor(frame), size).to(ctx.device) for frame in reversed(picture.frames)]
    latent = torch.cat([encoded_pixels(vae, one, ctx).float().cpu() for one in pictures], dim=2)
    tokens = layout.patchify(latent, canvas.patch)[0]
    count = latent.shape[2]
    beside = dict(canvas.beside)
    for name in ("under", "mask"):
        there = torch.as_tensor(beside[name])
        beside[name] = torch.cat([there.new_zeros(there.shape[0], count, *there.shape[2:]), there], dim=1)
    noise = torch.as_tensor(canvas.noise)
    return replace(
        canvas,
        tokens=torch.cat([tokens, torch.as_tensor(canvas.tokens)]),
        noise=torch.cat([noise.new_zeros(len(tokens)), noise]),
        grids=((t + count // pt, h, w),),
        beside=beside,
        lead=canvas.lead + count // pt,
    )


def _on_white(frame: "Tensor", size: tuple[int, int]) -> "Tensor":
    """A picture, uint8 (h w 3), as large as it goes in the middle of white of a size: (1 3 1 h w) in [-1, 1]."""
    import torch
    import torch.nn.functional as F
    from einops import rearrange

    high, wide, _ = frame.shape
    scale = min(size[0] / high, size[1] / wide)
    inner = int(high * scale), int(wide * scale)
    pixels = rearrange(frame.float() / 127.5 - 1, "h w c -> 1 c h w")
    made = torch.ones(1, 3, *size)
    top, left = ((whole - part) // 2 for whole, part in zip(size, inner, strict=True))
    shown = F.interpolate(pixels, size=inner, mode="bilinear", align_corners=False)
    made[:, :, top : top + inner[0], left : left + inner[1]] = shown
    return rearrange(made, "b c h w -> b c 1 h w")
