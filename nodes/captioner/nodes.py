"""Captions: what a latent shows, in words."""

from typing import Annotated

from assets.values import Captioner, Latent, LatentSpec, Text, TextSpec
from nodes.api import node
from nodes.context import Context
from nodes.video_vae.sizes import require_space


def caption_clip_spec(captioner: Captioner, latent: LatentSpec) -> TextSpec:
    require_space("captioner", captioner.space, latent.space)
    return TextSpec(None)


@node(
    version=3,
    category="prompt",
    spec=caption_clip_spec,
    label="Caption",
    keywords=("describe", "recaption", "interrogate", "video to text"),
)
def caption_clip(
    captioner: Annotated[Captioner, "The model that looks."],
    latent: Annotated[Latent, "The clip, encoded by the VAE."],
    *,
    ctx: Context,
) -> Text:
    """Describe what a clip shows, in the words that the DiT was trained on."""
    import torch

    data = torch.as_tensor(latent.data, dtype=torch.float32, device=ctx.device)
    return Text(ctx.model(captioner).caption(data))
