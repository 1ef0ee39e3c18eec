"""What a picture shows, beside the text: by an image encoder of its own, or by a text encoder that reads pictures."""

from dataclasses import replace
from typing import Annotated

from assets.files import Files
from assets.values import Clip, ClipSpec, Conditioning, ConditioningSpec, ImageEncoder, Text, TextEncoder, TextSpec
from nodes.api import ModelName, SpecError, node
from nodes.context import Context
from nodes.families.registry import image_encoder
from nodes.models.handles import by_weights


def load_image_encoder_spec(model: str, files: Files) -> ImageEncoder:
    return image_encoder(files.find_model(model))


@node(
    version=1,
    category="models",
    spec=load_image_encoder_spec,
    content=by_weights(load_image_encoder_spec),
    label="Image encoder from disk",
    keywords=("weights", "load", "clip vision", "wan", "image to video"),
)
def load_image_encoder(
    *,
    files: Files,
    model: Annotated[str, ModelName("models", "image_encoder"), "A model's folder below the models folders."] = "",
) -> ImageEncoder:
    """The image encoder of open weights on disk; Wan 2.1's image-to-video models and FramePack have one."""
    return load_image_encoder_spec(model, files)


def encode_image_spec(
    image_encoder: ImageEncoder, conditioning: ConditioningSpec, image: ClipSpec, last: ClipSpec | None = None
) -> ConditioningSpec:
    if image_encoder.encoder != conditioning.encoder:
        raise SpecError(
            f"Got text encoded by {conditioning.encoder!r}; this image encoder goes with {image_encoder.encoder!r}. "
            "Take both from one model's folder."
        )
    if 4 in (image.channels, last.channels if last else 3):
        raise SpecError("Got a picture with alpha; the image encoder needs plain RGB. Put the flatten node before it.")
    return replace(conditioning, images=1 if last is None else 2)


@node(
    version=1,
    category="prompt",
    spec=encode_image_spec,
    label="Encode image",
    keywords=("clip vision", "image to video", "picture", "embedding"),
)
def encode_image(
    image_encoder: Annotated[ImageEncoder, "The image encoder of the DiT's family."],
    conditioning: Annotated[Conditioning, "The encoded text."],
    image: Annotated[Clip, "What the clip begins with; of several frames the first counts."],
    last: Annotated[
        Clip | None, "What the clip ends with, for models of both ends; of several frames the last counts."
    ] = None,
    *,
    ctx: Context,
) -> Conditioning:
    """Tell what a picture shows along with a text. It goes with the text and with its negative alike."""
    import torch

    model = ctx.model(image_encoder)
    frames = [image.frames[0]] + ([last.frames[-1]] if last else [])
    rows = torch.stack([model.look(frame) for frame in frames])
    return replace(conditioning, extras={**conditioning.extras, "image": rows})


def encode_text_with_image_spec(text_encoder: TextEncoder, text: TextSpec, image: ClipSpec) -> ConditioningSpec:
    if not text_encoder.images:
        raise SpecError(
            f"Got the text encoder of {text_encoder.family!r}, which reads no pictures. Use the node 'Encode text'; "
            "the picture goes to 'Canvas from frames', and to 'Encode image' where the family has an image encoder."
        )
    if image.channels == 4:
        raise SpecError("Got a picture with alpha; the text encoder needs plain RGB. Put the flatten node before it.")
    return ConditioningSpec(text_encoder.dim, text_encoder.encoder, images=1)


@node(
    version=1,
    category="prompt",
    spec=encode_text_with_image_spec,
    label="Encode text with image",
    keywords=("llava", "hunyuan", "image to video", "picture", "embedding"),
)
def encode_text_with_image(
    text_encoder: Annotated[TextEncoder, "One that reads pictures too, as that of HunyuanVideo's image to video."],
    text: Annotated[Text, "What is to happen, in words."],
    image: Annotated[Clip, "What the clip begins with; of several frames the first counts."],
    *,
    ctx: Context,
) -> Conditioning:
    """Read a text and a picture together. A negative text needs none: the node 'Encode text' takes a black one."""
    conditioning: Conditioning = ctx.model(text_encoder).read(text.text, image.frames[0])
    return conditioning
