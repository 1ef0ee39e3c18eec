"""What a Mochi folder holds. No torch here."""

from math import prod

from assets.values import DiT, TextEncoder, VideoVAE
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components

FAMILY = "mochi"
MAX_TOKENS = 256


def handles(folder: ModelFolder) -> Components:
    vae, dit = folder.config("vae"), folder.config("transformer")
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
        VideoVAE(FAMILY, path, folder.digest("vae"), space, channels, stride),
    )
