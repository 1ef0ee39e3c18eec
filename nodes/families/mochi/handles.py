"""What a Mochi folder holds. No torch here."""

import hashlib
from math import prod
from pathlib import Path

from assets.values import DiT, TextEncoder, VideoVAE
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components

FAMILY = "mochi"
MAX_TOKENS = 256


def handles(folder: ModelFolder) -> Components:
    vae, dit = folder.config("vae"), folder.config("transformer")
    if vae.get("half") == "encoder":
        raise WeightsRefused(
            f"{folder.path.name} holds the encoder of Mochi's video VAE alone; choose the file of its decoder, which "
            "finds this one beside it"
        )
    path, channels = str(folder.path), vae["latent_channels"]
    space, side = f"mochi-{channels}", dit["patch_size"]
    stride = (prod(vae["temporal_expansions"]), *[prod(vae["spatial_expansions"])] * 2)
    width = folder.config("text_encoder")["d_model"]
    return Components(
        TextEncoder(FAMILY, path, folder.digest("text_encoder", "tokenizer"), FAMILY, width, MAX_TOKENS),
        DiT(
            FAMILY,
            path,
            folder.digest("transformer", "scheduler"),
            space,
            channels,
            (1, side, side),
            encoder=FAMILY,
            objective="flow",
            given="nowhere",
        ),
        VideoVAE(FAMILY, path, _digest(folder), space, channels, stride),
    )


def encoder_beside(decoder: Path) -> Path | None:
    """The file of the encoder that goes with that of a decoder, as the makers name them."""
    named = decoder.with_name(decoder.name.replace("decoder", "encoder"))
    return named if named != decoder and named.is_file() else None


def _digest(folder: ModelFolder) -> str:
    """Of the VAE, whose halves may lie in a file each."""
    digest = folder.digest("vae")
    encoder = encoder_beside(folder.path) if folder.settings.get("vae", {}).get("half") == "decoder" else None
    return hashlib.sha256(f"{digest} {weights_digest(encoder)}".encode()).hexdigest() if encoder else digest
