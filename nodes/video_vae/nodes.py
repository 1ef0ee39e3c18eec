"""From clips to latents and back."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt

from assets import media
from assets.files import Files
from assets.values import Clip, ClipSpec, Latent, LatentSpec, SavedFile, SavedFileSpec, VideoVAE
from nodes.api import Range, SpecError, node
from nodes.context import Context, Workflow
from nodes.media.saving import Quality, Target, saved, saved_spec
from nodes.video_vae.config import CHUNK
from nodes.video_vae.sizes import clip_length, latent_size, require_space
from nodes.video_vae.spans import SMALLEST

if TYPE_CHECKING:
    from torch import Tensor

LossyTile = Annotated[
    int,
    Range(0, 2048, 64),
    "Lossy: work in blended tiles of so many pixels a side, with less memory. 0: whole frames, tiles only where there "
    "is no memory for those.",
]


def encode_video_spec(vae: VideoVAE, clip: ClipSpec) -> LatentSpec:
    if clip.channels != 3:
        raise SpecError("Got a clip with alpha; the VAE needs plain RGB. Put the flatten node before it.")
    return LatentSpec(vae.channels, *latent_size(vae, clip.frames, clip.height, clip.width), vae.space, clip.fps)


@node(version=2, category="latent", spec=encode_video_spec, keywords=("vae", "compress", "image to latent"))
def encode_video(
    vae: Annotated[VideoVAE, "The VAE of the DiT's family."],
    clip: Annotated[Clip, "Frames: 1 + 4k of them, sides a multiple of 8 for the built-in VAE."],
    *,
    ctx: Context,
    lossy_tile: LossyTile = 0,
) -> Latent:
    """Compress a clip or an image into a latent, in space and time."""
    import torch
    from einops import rearrange

    frames = torch.as_tensor(clip.frames, device=ctx.device)
    pixels = rearrange(frames, "t h w c -> 1 c t h w").float() / 127.5 - 1
    latent = encoded_pixels(vae, pixels, ctx, lossy_tile)
    return Latent(latent[0].float(), vae.space, clip.fps)


def encoded_pixels(vae: VideoVAE, pixels: "Tensor", ctx: Context, tile: int = 0) -> "Tensor":
    """The latent (1 z t h w) of pixels (1 3 t h w) in [-1, 1]. tile: as the widget has it."""
    import torch

    from nodes.video_vae import tiles

    model, (_, high, wide) = ctx.model(vae), vae.stride
    cells = max(pixels.shape[-2] // high, pixels.shape[-1] // wide)
    with torch.no_grad():
        made = tiles.as_memory_allows(
            lambda side: [tiles.encoded(model, pixels, side, wide)], cells_of(tile, vae), cells, ctx
        )
        return next(made)


def decode_latent_spec(vae: VideoVAE, latent: LatentSpec) -> ClipSpec:
    require_space("VAE", vae.space, latent.space)
    _, high, wide = vae.stride
    return ClipSpec(clip_length(vae, latent.frames), latent.height * high, latent.width * wide, latent.fps)


@node(version=1, category="latent", spec=decode_latent_spec, keywords=("vae", "latent to video", "to pixels"))
def decode_latent(
    vae: Annotated[VideoVAE, "The VAE that made the latent's space."],
    latent: Annotated[Latent, "What is to be seen."],
    *,
    ctx: Context,
    lossy_tile: LossyTile = 0,
) -> Clip:
    """Decode a latent into frames, chunk by chunk along the time: equal to decoding it whole, with less memory."""
    spec = decode_latent_spec(vae, latent.spec)
    frames = np.empty((spec.frames, spec.height, spec.width, spec.channels), np.uint8)
    filled = 0
    for chunk in decoded_chunks(vae, latent, ctx, lossy_tile):
        frames[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    return Clip(frames, latent.fps)


def save_latent_spec(vae: VideoVAE, latent: LatentSpec, file: str, files: Files) -> SavedFileSpec:
    return saved_spec(decode_latent_spec(vae, latent), file, files)


@node(
    version=1,
    category="output",
    spec=save_latent_spec,
    label="Decode and save",
    keywords=("vae", "latent to video", "export", "write", "mp4", "long"),
)
def save_latent(
    vae: Annotated[VideoVAE, "The VAE that made the latent's space."],
    latent: Annotated[Latent, "What is to be saved."],
    *,
    ctx: Context,
    files: Files,
    workflow: Workflow,
    file: Target = "clip.mp4",
    quality: Quality = 90,
    lossy_tile: LossyTile = 0,
) -> SavedFile:
    """Decode a latent straight into a file: each chunk is written and dropped, so a clip may be as long as you like."""
    frames = chain.from_iterable(decoded_chunks(vae, latent, ctx, lossy_tile))
    spec = decode_latent_spec(vae, latent.spec)
    media.write_frames(frames, spec, files.target(file), quality=quality, workflow=workflow.text or None)
    return saved(file, files)


def decoded_chunks(vae: VideoVAE, latent: Latent, ctx: Context, tile: int = 0) -> Iterator[npt.NDArray[Any]]:
    """The frames that a latent stands for, uint8 (t h w 3), some at a time; each chunk is a step of the run.

    tile: as the widget has it.
    """
    import torch

    for pixels in decoded_pixels(vae, torch.as_tensor(latent.data), ctx, tile, ctx.steps):
        yield in_255(pixels)


def decoded_pixels(
    vae: VideoVAE, latent: "Tensor", ctx: Context, tile: int = 0, steps: Callable[[int], Iterable[int]] = range
) -> "Iterator[Tensor]":
    """The pixels (1 3 t h w) in [-1, 1] of a latent (z t h w), some frames at a time. steps: counts the chunks."""
    import torch

    from nodes.video_vae import tiles

    model = ctx.model(vae)
    chunks = torch.split(latent[None], CHUNK, dim=2)

    def work(side: int) -> "Iterator[Tensor]":
        arriving = (chunk.to(ctx.device, torch.float32) for _, chunk in zip(steps(len(chunks)), chunks, strict=False))
        return tiles.decoded(model, arriving, side)

    with torch.no_grad():
        yield from tiles.as_memory_allows(work, cells_of(tile, vae), max(latent.shape[-2:]), ctx)


def in_255(pixels: "Tensor") -> npt.NDArray[np.uint8]:
    """Pixels (1 3 t h w) in [-1, 1] as frames (t h w 3)."""
    import torch
    from einops import rearrange

    whole = ((pixels[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    frames: npt.NDArray[np.uint8] = rearrange(whole, "c t h w -> t h w c").cpu().numpy()
    return frames


def cells_of(tile: int, vae: VideoVAE) -> int:
    """The side of a tile of so many pixels in latent cells; 0 for whole frames."""
    return max(SMALLEST, tile // vae.stride[-1]) if tile else 0
