"""What a HunyuanVideo folder holds. No torch here."""

from assets.values import DiT, TextEncoder, VideoVAE
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components

FAMILY = "hunyuan"
MAX_TOKENS = 256
STILL = 0.999
"""The level that image to video begins at, of the image held still (diffusers pipelines/hunyuan_video)."""


def handles(folder: ModelFolder) -> Components:
    vae, dit = folder.config("vae"), folder.config("transformer")
    told = dit.get("image_condition_type")
    # The image, told by channels of its own, is a latent frame before the clip.
    lead = int(told == "latent_concat")
    path, channels = str(folder.path), vae["latent_channels"]
    space = f"{FAMILY}-{channels}" + ("-led" if lead else "")
    side = vae["spatial_compression_ratio"]
    stride = (vae["temporal_compression_ratio"], side, side)
    texts = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", *(["image_processor"] if told else []))
    encoder = f"{FAMILY}-llava-{image_row_step(told)}" if told else FAMILY
    images = int(bool(told))
    return Components(
        TextEncoder(FAMILY, path, folder.digest(*texts), encoder, dit["text_embed_dim"], MAX_TOKENS, images=images),
        DiT(
            FAMILY,
            path,
            folder.digest("transformer", "scheduler"),
            space,
            channels,
            (dit["patch_size_t"], dit["patch_size"], dit["patch_size"]),
            encoder=encoder,
            objective="flow",
            given="first frame" if told else "nowhere",
            needs_given=bool(told),
            still=STILL if told else 1.0,
            images=images,
        ),
        VideoVAE(FAMILY, path, folder.digest("vae"), space, channels, stride, lead=lead),
    )


def image_row_step(told: str | None) -> int:
    """Of the rows that LLaVA has of a picture the DiT sees every n-th, by how it is told of the image.

    It is the last part of the text encoder's name.
    """
    return {"latent_concat": 2, "token_replace": 4}.get(told or "", 1)
