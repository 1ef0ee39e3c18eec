"""Models from disk: real open weights for the same nodes."""

from dataclasses import replace
from typing import Annotated

from assets.files import Files
from assets.values import ImageEncoder, TextEncoder, VideoVAE
from assets.values.handles import Precision
from nodes.api import ModelName, node
from nodes.families.formats.handles import PrecisionWidget, find_weights, image_encoder_of, text_encoder_of, vae_of
from nodes.families.registry import NAMES, Components, components
from nodes.models.handles import by_weights


def load_weights_spec(model: str, precision: Precision, files: Files) -> Components:
    found = components(files.find_model(model))
    text_encoder = replace(found.text_encoder, precision=precision)
    return found._replace(text_encoder=text_encoder, dit=replace(found.dit, precision=precision))


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
    precision: PrecisionWidget = "as stored",
) -> Components:
    """Open weights that you have on disk, for the same nodes as the built-in models. Nothing is copied or fetched."""
    return load_weights_spec(model, precision, files)


def load_vae_spec(file: str, files: Files) -> VideoVAE:
    return vae_of(find_weights(files, file))


@node(
    version=1,
    category="models",
    spec=load_vae_spec,
    content=by_weights(load_vae_spec),
    label="Video VAE from a file",
    keywords=("weights", "checkpoint", "load", "wan", "ltx", "safetensors", "open weights"),
)
def load_vae(
    *, files: Files, file: Annotated[str, ModelName("file"), "A safetensors file of a video VAE."] = ""
) -> VideoVAE:
    """The video VAE of a family, where it lies in a file of its own."""
    return load_vae_spec(file, files)


def load_text_encoder_spec(file: str, precision: Precision, files: Files) -> TextEncoder:
    return text_encoder_of(find_weights(files, file), precision)


@node(
    version=1,
    category="models",
    spec=load_text_encoder_spec,
    content=by_weights(load_text_encoder_spec),
    label="Text encoder from a file",
    keywords=("weights", "checkpoint", "load", "umt5", "t5", "safetensors", "open weights"),
)
def load_text_encoder(
    *,
    files: Files,
    file: Annotated[str, ModelName("file"), "A safetensors file of a text encoder that holds its tokenizer."] = "",
    precision: PrecisionWidget = "as stored",
) -> TextEncoder:
    """The text encoder of a family, where it lies in a file of its own."""
    return load_text_encoder_spec(file, precision, files)


def load_clip_vision_spec(file: str, files: Files) -> ImageEncoder:
    return image_encoder_of(find_weights(files, file))


@node(
    version=1,
    category="models",
    spec=load_clip_vision_spec,
    content=by_weights(load_clip_vision_spec),
    label="Image encoder from a file",
    keywords=("weights", "load", "clip vision", "clip_vision_h", "wan", "image to video", "safetensors"),
)
def load_clip_vision(
    *, files: Files, file: Annotated[str, ModelName("file"), "A safetensors file of CLIP's vision model (ViT-H)."] = ""
) -> ImageEncoder:
    """The image encoder of Wan 2.1's image-to-video models, where it lies in a file of its own."""
    return load_clip_vision_spec(file, files)
