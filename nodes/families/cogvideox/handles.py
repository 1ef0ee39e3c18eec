"""What a CogVideoX folder holds. No torch here."""

from assets.values import DiT, TextEncoder, VideoVAE
from assets.weight_files import WeightsRefused
from nodes.families.folder import ModelFolder
from nodes.families.registry import Components

FAMILY = "cogvideox"
LED = "-led"


def handles(folder: ModelFolder) -> Components:
    vae, dit, text = (folder.config(part) for part in ("vae", "transformer", "text_encoder"))
    _require_v(folder)
    # The 2B and the 5B scale the same VAE's latents in ways of their own.
    path, channels = str(folder.path), vae["latent_channels"]
    stride = (int(vae["temporal_compression_ratio"]), *[2 ** (len(vae["block_out_channels"]) - 1)] * 2)
    told = dit["in_channels"] > channels
    side, depth = dit["patch_size"], dit.get("patch_size_t") or 1
    # 1.5 takes two latent frames together, so that one goes before the clip.
    space = f"{FAMILY}-{vae['scaling_factor']}" + (LED if depth > 1 else "")
    # Learned places are of one size; 1.5 counts from the corner of its largest one, the rest is laid over its middle.
    only = bool(dit.get("use_learned_positional_embeddings")) and not dit.get("patch_size_t")
    sides = (dit.get("sample_height", 60) // side, dit.get("sample_width", 90) // side)
    return Components(
        TextEncoder(
            FAMILY,
            path,
            folder.digest("text_encoder", "tokenizer"),
            FAMILY,
            text["d_model"],
            dit["max_text_seq_length"],
        ),
        DiT(
            FAMILY,
            path,
            folder.digest("transformer", "scheduler"),
            space,
            channels,
            (depth, side, side),
            encoder=FAMILY,
            objective="v",
            given="first frame" if told else "nowhere",
            needs_given=told,
            sides=sides if only or dit.get("patch_size_t") else None,
            only_sides=only,
        ),
        VideoVAE(FAMILY, path, folder.digest("vae"), space, channels, stride, together=2, lead=depth - 1),
    )


def scale_of(vae: VideoVAE) -> float:
    """What its latents are multiplied by, as the name of their space has it: a VAE's file leaves that open."""
    return float(vae.space.removeprefix(f"{FAMILY}-").removesuffix(LED))


def _require_v(folder: ModelFolder) -> None:
    predicts = folder.config("scheduler").get("prediction_type")
    if predicts != "v_prediction":
        raise WeightsRefused(
            f"{folder.path.name} predicts {predicts!r} by its scheduler's settings; CogVideoX predicts 'v_prediction'. "
            "Get the model again, with the settings that its makers gave it."
        )
