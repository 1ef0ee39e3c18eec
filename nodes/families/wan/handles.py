"""What a Wan folder holds. No torch here."""

from typing import Any

from assets.values import DiT, ImageEncoder, TextEncoder, VideoVAE
from assets.values.handles import Given
from assets.weight_files import WeightsRefused
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
    told, masked = dit["in_channels"] > vae["z_dim"], "vace_layers" in dit
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
            given=_given(folder, dit, told),
            needs_given=told,
            told="by a mask" if masked else "among grey frames" if told else "by itself",
            images=0 if not dit.get("image_dim") else 2 if dit.get("pos_embed_seq_len") else 1,
        ),
        VideoVAE(FAMILY, path, folder.digest("vae"), space, vae["z_dim"], stride),
    )


def image_encoder(folder: ModelFolder) -> ImageEncoder:
    """The CLIP that shows Wan 2.1's image-to-video DiTs what the picture holds; later ones do without."""
    if not folder.has("image_encoder"):
        raise WeightsRefused(
            f"{folder.path.name} has no image encoder; its DiT needs none. Wire the text into the sampler as it is."
        )
    dim = folder.config("image_encoder")["hidden_size"]
    return ImageEncoder(FAMILY, str(folder.path), folder.digest("image_encoder", "image_processor"), FAMILY, dim)


def _given(folder: ModelFolder, dit: dict[str, Any], told: bool) -> Given:
    """Wan 2.1 has one DiT for a first frame and another for both ends, Wan 2.2's takes either."""
    if folder.index.get("expand_timesteps") or "vace_layers" in dit:
        return "anywhere"
    if not told:
        return "nowhere"
    return "first frame" if dit.get("image_dim") and not dit.get("pos_embed_seq_len") else "first and last frame"
