"""Models from disk: real open weights for the same nodes."""

from dataclasses import replace
from typing import Annotated

from assets.files import Files
from assets.values import DiT, ImageEncoder, TextEncoder, VideoVAE
from assets.values.handles import Memory
from nodes.api import ModelName, node
from nodes.families.formats.handles import MemoryWidget, PrecisionWidget, find_weights, image_encoder_of, vae_of
from nodes.families.formats.text_files import text_encoder_of
from nodes.families.holding import AskedPrecision, held
from nodes.families.registry import NAMES, Components, components
from nodes.models.handles import by_weights


def load_weights_spec(model: str, precision: AskedPrecision, memory: Memory, files: Files) -> Components:
    found = components(files.find_model(model))
    text_encoder = replace(held(found.text_encoder, precision), memory=memory)
    return found._replace(text_encoder=text_encoder, dit=replace(held(found.dit, precision), memory=memory))


@node(
    version=2,
    category="models",
    spec=load_weights_spec,
    content=by_weights(load_weights_spec),
    label="Models from disk",
    keywords=("weights", "checkpoint", "load", "diffusers", "open weights", *NAMES),
)
def load_weights(
    *,
    files: Files,
    model: Annotated[str, ModelName("models"), "A model's folder below the models folders."] = "",
    precision: PrecisionWidget = "automatic",
    memory: MemoryWidget = "automatic",
) -> Components:
    """Open weights that you have on disk, for the same nodes as the built-in models. Nothing is copied or fetched."""
    return load_weights_spec(model, precision, memory, files)


def load_vae_spec(file: str, files: Files, dit: DiT | None = None) -> VideoVAE:
    return vae_of(find_weights(files, file), dit)


@node(
    version=1,
    category="models",
    spec=load_vae_spec,
    content=by_weights(load_vae_spec),
    label="Video VAE from a file",
    keywords=("weights", "checkpoint", "load", "safetensors", "open weights", *NAMES),
)
def load_vae(
    dit: Annotated[DiT | None, "The DiT that it is for, where the file leaves that open: CogVideoX's does."] = None,
    *,
    files: Files,
    file: Annotated[
        str,
        ModelName("file", "vae"),
        "A safetensors file of a video VAE; or of a tiny decoder (taew2_1 ...): quick, lossy.",
    ] = "",
) -> VideoVAE:
    """The video VAE of a family, where it lies in a file of its own."""
    return load_vae_spec(file, files, dit)


def load_text_encoder_spec(
    file: str,
    second: str,
    tokenizer: str,
    precision: AskedPrecision,
    memory: Memory,
    files: Files,
    dit: DiT | None = None,
    vision: str = "",
) -> TextEncoder:
    made = text_encoder_of(
        find_weights(files, file),
        "as stored",
        find_weights(files, second) if second else None,
        files.find_model(tokenizer) if tokenizer else None,
        dit,
        find_weights(files, vision) if vision else None,
    )
    return replace(held(made, precision), memory=memory)


@node(
    version=1,
    category="models",
    spec=load_text_encoder_spec,
    content=by_weights(load_text_encoder_spec),
    label="Text encoder from a file",
    keywords=("weights", "checkpoint", "load", "umt5", "t5xxl", "llama", "clip_l", "safetensors", "open weights"),
)
def load_text_encoder(
    dit: Annotated[DiT | None, "The DiT that it reads for, where the file leaves that open: a T5 does."] = None,
    *,
    files: Files,
    file: Annotated[
        str, ModelName("file", "text_encoder"), "A safetensors or GGUF file of a text encoder: UMT5, T5, or LLaMA."
    ] = "",
    second: Annotated[
        str,
        ModelName("file", "text_encoder_2", optional=True),
        "The other one where a model has two (HunyuanVideo: clip_l), else empty.",
    ] = "",
    vision: Annotated[
        str,
        ModelName("file", "image_encoder", optional=True),
        "What it sees pictures by (HunyuanVideo's image to video: llava_llama3_vision), or empty.",
    ] = "",
    tokenizer: Annotated[
        str, "A folder below the models folders that has its tokenizers; empty: they are in the file, or beside it."
    ] = "",
    precision: PrecisionWidget = "automatic",
    memory: MemoryWidget = "automatic",
) -> TextEncoder:
    """The text encoder of a family, where it lies in a file of its own."""
    return load_text_encoder_spec(file, second, tokenizer, precision, memory, files, dit, vision)


def load_clip_vision_spec(file: str, files: Files) -> ImageEncoder:
    return image_encoder_of(find_weights(files, file))


@node(
    version=1,
    category="models",
    spec=load_clip_vision_spec,
    content=by_weights(load_clip_vision_spec),
    label="Image encoder from a file",
    keywords=(
        "weights",
        "load",
        "clip vision",
        "clip_vision_h",
        "siglip",
        "wan",
        "framepack",
        "image to video",
        "safetensors",
    ),
)
def load_clip_vision(
    *,
    files: Files,
    file: Annotated[
        str,
        ModelName("file", "image_encoder"),
        "A safetensors file of CLIP's vision model (ViT-H), or of SigLIP's for FramePack (sigclip_vision_patch14_384).",
    ] = "",
) -> ImageEncoder:
    """The image encoder of Wan 2.1's and SkyReels-V2's image-to-video models, or of FramePack, in a file of its own."""
    return load_clip_vision_spec(file, files)
