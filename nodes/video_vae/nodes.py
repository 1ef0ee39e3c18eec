"""From clips to latents and back."""

from typing import Annotated

from assets.values import Clip, ClipSpec, Latent, LatentSpec, VideoVAE
from nodes.api import SpecError, node
from nodes.context import Context
from nodes.video_vae.sizes import latent_size, require_space

# Latent frames that are decoded at a time: a few keep the memory small and the steps for progress frequent.
CHUNK = 4


def encode_video_spec(vae: VideoVAE, clip: ClipSpec) -> LatentSpec:
    if clip.channels != 3:
        raise SpecError("Got a clip with alpha; the VAE needs plain RGB. Put the flatten node before it.")
    return LatentSpec(vae.channels, *latent_size(vae, clip.frames, clip.height, clip.width), vae.space, clip.fps)


@node(version=1, category="latent", spec=encode_video_spec, keywords=("vae", "compress", "image to latent"))
def encode_video(
    vae: Annotated[VideoVAE, "The VAE of the DiT's family."],
    clip: Annotated[Clip, "Frames: 1 + 4k of them, sides a multiple of 8 for the built-in VAE."],
    *,
    ctx: Context,
) -> Latent:
    """Compress a clip or an image into a latent, in space and time."""
    import torch
    from einops import rearrange

    model = ctx.model(vae)
    frames = torch.as_tensor(clip.frames, device=ctx.device)
    pixels = rearrange(frames, "t h w c -> 1 c t h w").float() / 127.5 - 1
    with torch.no_grad():
        latent = model.encode(pixels)
    return Latent(latent[0].float(), vae.space, clip.fps)


def decode_latent_spec(vae: VideoVAE, latent: LatentSpec) -> ClipSpec:
    require_space("VAE", vae.space, latent.space)
    time, high, wide = vae.stride
    return ClipSpec(1 + (latent.frames - 1) * time, latent.height * high, latent.width * wide, latent.fps)


@node(version=1, category="latent", spec=decode_latent_spec, keywords=("vae", "latent to video", "to pixels"))
def decode_latent(
    vae: Annotated[VideoVAE, "The VAE that made the latent's space."],
    latent: Annotated[Latent, "What is to be seen."],
    *,
    ctx: Context,
) -> Clip:
    """Decode a latent into frames, chunk by chunk along the time: equal to decoding it whole, with less memory."""
    import torch
    from einops import rearrange

    model = ctx.model(vae)
    data = torch.as_tensor(latent.data, dtype=torch.float32, device=ctx.device)
    chunks = torch.split(data[None], CHUNK, dim=2)
    progress = ctx.steps(len(chunks))
    frames = []
    with torch.no_grad():
        for pixels in model.decode_chunks(chunk for _, chunk in zip(progress, chunks, strict=False)):
            bytes_ = ((pixels[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
            frames.append(rearrange(bytes_, "c t h w -> t h w c").cpu())
    return Clip(torch.cat(frames).numpy(), latent.fps)
