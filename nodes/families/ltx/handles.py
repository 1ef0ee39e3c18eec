"""What an LTX-Video folder holds. No torch here."""

from typing import Any

from assets.values import DiT, TextEncoder, VideoVAE
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components

FAMILY = "ltx"
KEYED = "LTXConditionPipeline"
TOKENS, TOKENS_BEFORE_095 = 256, 128
BESIDE = 2
"""Rows of a clip given later than at the start that the makers give beside the canvas (`LTXConditionPipeline`)."""


def handles(folder: ModelFolder) -> Components:
    vae, dit = folder.config("vae"), folder.config("transformer")
    path, channels = str(folder.path), vae["latent_channels"]
    # The VAE was trained anew for 0.9.5, so its latents are others.
    space = f"ltx-{channels}" + ("-0.9.5" if _from_095(vae) else "")
    side, keyed = dit["patch_size"], is_keyed(folder)
    encoder = f"{FAMILY}-{max_tokens(folder)}"
    width = folder.config("text_encoder")["d_model"]
    return Components(
        TextEncoder(FAMILY, path, folder.digest("text_encoder", "tokenizer"), encoder, width, max_tokens(folder)),
        DiT(
            FAMILY,
            path,
            folder.digest("transformer", "scheduler"),
            space,
            channels,
            (dit["patch_size_t"], side, side),
            encoder=encoder,
            objective="flow",
            given="anywhere" if keyed else "first frame",
            beside=BESIDE if keyed else 0,
        ),
        VideoVAE(FAMILY, path, folder.digest("vae"), space, channels, stride(vae)),
    )


def is_keyed(folder: ModelFolder) -> bool:
    """Whether the DiT was trained to be given frames anywhere, and counts time in frames: so from version 0.9.5 on.

    The makers' folders of that version name one pipeline or another; what they have in common is the VAE.
    """
    return folder.pipeline == KEYED or _from_095(folder.config("vae"))


def max_tokens(folder: ModelFolder) -> int:
    """How many the text encoder reads, text and padding, as the pipelines of each kind have it; the older see both."""
    return TOKENS if is_keyed(folder) else TOKENS_BEFORE_095


def stride(vae: dict[str, Any]) -> tuple[int, int, int]:
    """(t, h, w) pixels a latent cell; older configs say it by their number of halvings alone."""
    halved = 2 ** sum(vae["spatio_temporal_scaling"])
    time = vae.get("temporal_compression_ratio") or vae["patch_size_t"] * halved
    side = vae.get("spatial_compression_ratio") or vae["patch_size"] * halved
    return time, side, side


def _from_095(vae: dict[str, Any]) -> bool:
    return any(name.startswith("LTXVideo095") for name in vae.get("down_block_types", ()))
