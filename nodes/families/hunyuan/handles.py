"""What a HunyuanVideo folder holds. No torch here."""

from assets.values import DiT, TextEncoder, VideoVAE
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components

FAMILY = "hunyuan"
MAX_TOKENS = 256


def handles(folder: ModelFolder) -> Components:
    vae, dit = folder.config("vae"), folder.config("transformer")
    path, space, channels = str(folder.path), f"{FAMILY}-{vae['latent_channels']}", vae["latent_channels"]
    side = vae["spatial_compression_ratio"]
    texts = folder.digest("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")
    return Components(
        TextEncoder(FAMILY, path, texts, FAMILY, dit["text_embed_dim"], MAX_TOKENS),
        DiT(
            FAMILY,
            path,
            folder.digest("transformer", "scheduler"),
            space,
            channels,
            (dit["patch_size_t"], dit["patch_size"], dit["patch_size"]),
            encoder=FAMILY,
            objective="flow",
            given="nowhere",
        ),
        VideoVAE(FAMILY, path, folder.digest("vae"), space, channels, (vae["temporal_compression_ratio"], side, side)),
    )
