"""What a Wan folder holds. No torch here."""

from assets.values import DiT, TextEncoder, VideoVAE
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components

FAMILY = "wan"
MAX_TOKENS = 512


def handles(folder: ModelFolder) -> Components:
    vae, dit = folder.config("vae"), folder.config("transformer")
    text = folder.config("text_encoder")
    path, space = str(folder.path), f"wan-{vae['z_dim']}"
    stride = (vae.get("scale_factor_temporal", 4), *[vae.get("scale_factor_spatial", 8)] * 2)
    pt, ph, pw = dit["patch_size"]
    transformers = [part for part in ("transformer", "transformer_2") if folder.has(part)]
    return Components(
        TextEncoder(FAMILY, path, folder.digest("text_encoder", "tokenizer"), FAMILY, text["d_model"], MAX_TOKENS),
        DiT(
            FAMILY,
            path,
            folder.digest(*transformers, "scheduler"),
            space,
            vae["z_dim"],
            (pt, ph, pw),
            encoder=FAMILY,
            objective="flow",
            given="anywhere" if folder.index.get("expand_timesteps") else "nowhere",
        ),
        VideoVAE(FAMILY, path, folder.digest("vae"), space, vae["z_dim"], stride),
    )
