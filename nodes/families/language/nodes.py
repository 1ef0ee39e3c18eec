"""Language models of your own as nodes: expand prompts, caption clips."""

from typing import Annotated

from assets.files import Files
from assets.values import Clip, ClipSpec, Describer, Expander, Text, TextSpec
from assets.weight_files import WeightsRefused
from nodes.api import ModelName, Range, SpecError, node
from nodes.context import Context
from nodes.families.language.endpoint import Endpoint, named
from nodes.families.language.handles import describer as describer_of
from nodes.families.language.handles import remote_describer, remote_writer, writer
from nodes.families.language.instructions import Style, instructions
from nodes.models.handles import by_weights

_FOLDER = "A language model's folder below the models folders."
EndpointName = Annotated[str, "Its name in endpoints.json of your models folder; no other host is ever called."]
ModelThere = Annotated[str, "The model's name at the endpoint."]
Manner = Annotated[Style, "Which video model the prompts are for: each is told what its makers advise."]


def load_writer_spec(model: str, style: Style, files: Files) -> Expander:
    return writer(files.find_model(model), instructions(style))


@node(
    version=1,
    category="models",
    spec=load_writer_spec,
    content=by_weights(load_writer_spec),
    label="Language model",
    keywords=("llm", "expander", "prompt", "upsample", "load", "qwen", "llama"),
)
def load_writer(
    *, files: Files, model: Annotated[str, ModelName("language", "writer"), _FOLDER] = "", style: Manner = "plain"
) -> Expander:
    """A language model on disk that makes short prompts descriptive."""
    return load_writer_spec(model, style, files)


def load_describer_spec(model: str, files: Files) -> Describer:
    return describer_of(files.find_model(model))


@node(
    version=1,
    category="models",
    spec=load_describer_spec,
    content=by_weights(load_describer_spec),
    label="Vision language model",
    keywords=("vlm", "captioner", "describe", "load", "llava"),
)
def load_describer(
    *, files: Files, model: Annotated[str, ModelName("language", "describer"), _FOLDER] = ""
) -> Describer:
    """A model on disk that reads images and writes what they show."""
    return load_describer_spec(model, files)


def endpoint(endpoint: str, model: str, files: Files) -> Endpoint:
    if not files.models:
        raise WeightsRefused("there is no models folder, so no endpoint is named; run this in a workspace")
    if not model:
        raise SpecError("No model is named; type the name that the endpoint knows it by.")
    return named(files.models[0], endpoint, model)


def endpoint_writer_spec(endpoint_name: str, model: str, style: Style, files: Files) -> Expander:
    return remote_writer(endpoint(endpoint_name, model, files), instructions(style))


@node(
    version=1,
    category="models",
    spec=endpoint_writer_spec,
    content=by_weights(endpoint_writer_spec),
    label="Language endpoint",
    keywords=("llm", "openai", "ollama", "vllm", "expander", "prompt"),
)
def endpoint_writer(
    *, files: Files, endpoint_name: EndpointName = "local", model: ModelThere = "", style: Manner = "plain"
) -> Expander:
    """A language model behind an OpenAI-style endpoint that you named, which makes short prompts descriptive."""
    return endpoint_writer_spec(endpoint_name, model, style, files)


def endpoint_describer_spec(endpoint_name: str, model: str, files: Files) -> Describer:
    return remote_describer(endpoint(endpoint_name, model, files))


@node(
    version=1,
    category="models",
    spec=endpoint_describer_spec,
    content=by_weights(endpoint_describer_spec),
    label="Vision endpoint",
    keywords=("vlm", "openai", "ollama", "captioner", "describe"),
)
def endpoint_describer(*, files: Files, endpoint_name: EndpointName = "local", model: ModelThere = "") -> Describer:
    """A model behind an OpenAI-style endpoint that you named, which reads images and writes what they show."""
    return endpoint_describer_spec(endpoint_name, model, files)


def caption_frames_spec(describer: Describer, clip: ClipSpec) -> TextSpec:
    return TextSpec(None)


@node(
    version=1,
    category="prompt",
    spec=caption_frames_spec,
    label="Caption frames",
    keywords=("describe", "recaption", "interrogate", "video to text", "vlm"),
)
def caption_frames(
    describer: Annotated[Describer, "A vision language model."],
    clip: Annotated[Clip, "What is to be described."],
    *,
    ctx: Context,
    looks: Annotated[int, Range(1, 32), "Frames that it looks at, evenly over the clip."] = 8,
) -> Text:
    """Describe what a clip shows by a vision language model of your own."""
    return Text(ctx.model(describer).describe(evenly(clip, looks)))


def evenly(clip: Clip, looks: int) -> list[object]:
    """So many frames (h w 3), the first and the last among them; all of them where there are fewer."""
    import numpy as np

    frames = clip.frames[..., :3]
    picked = np.unique(np.linspace(0, len(frames) - 1, min(looks, len(frames))).round().astype(int))
    return [np.ascontiguousarray(frames[number]) for number in picked]
