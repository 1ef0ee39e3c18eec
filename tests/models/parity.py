"""What our nodes make of a model folder, to be held against what the reference pipeline makes of it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from bench import Bench
from einops import rearrange
from torch import Tensor

from assets.values import Clip, Latent, Patches, Text
from nodes.dit.nodes import sample
from nodes.families.images import encode_image
from nodes.families.registry import Components, components, image_encoder
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import noise_patches
from nodes.patches.nodes import unpatchify as unpatchify_node
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import decode_latent

PROMPT = "a red ball bounces over the green meadow"
SIZE = {"frames": 9, "height": 32, "width": 48}


@dataclass(frozen=True)
class Made:
    latent: Latent
    clip: Clip


def make(
    folder: Path, *, size: dict[str, int] = SIZE, steps: int = 4, guidance: float = 5.0, seed: int = 0,
    sampler: str = "unipc", prompt: str = PROMPT, negative: str | None = None, canvas: Patches | None = None,
    bench: Bench | None = None, pictures: tuple[Clip, ...] = (), guidance_over_steps: str = "",
) -> Made:  # fmt: skip
    """Text to video (or what the canvas says) by our nodes, with the family's own schedule.

    pictures: what the image encoder is to see, where the family has one.
    """
    models, bench = components(folder), bench or Bench()
    text = encode_text(models.text_encoder, Text(prompt), ctx=bench)
    away = encode_text(models.text_encoder, Text(negative), ctx=bench) if negative else None
    if pictures:
        text = encode_image(image_encoder(folder), text, *pictures, ctx=bench)
    canvas = canvas or noise_patches(models.dit, models.vae, **size)
    made = sample(
        models.dit, canvas, text, away, ctx=bench, seed=seed, steps=steps, guidance=guidance, sampler=sampler, shift=0,
        guidance_over_steps=guidance_over_steps,
    )  # fmt: skip
    latent = unpatchify_node(made.patches)
    return Made(latent, decode_latent(models.vae, latent, ctx=bench))


def first_noise(models: Components, seed: int = 0, size: dict[str, int] = SIZE) -> Tensor:
    """The noise (1 c t h w) that the sampler draws from a seed: what the reference is to start from."""
    canvas = noise_patches(models.dit, models.vae, **size)
    eps = torch.randn(canvas.tokens.shape, generator=torch.Generator().manual_seed(seed))
    return unpatchify(eps[None], canvas.grids[0], canvas.patch)


def pixels(clip: Clip) -> Tensor:
    """(t c h w) in [0, 1], as the reference pipelines give them."""
    return rearrange(torch.as_tensor(clip.frames), "t h w c -> t c h w").float() / 255
