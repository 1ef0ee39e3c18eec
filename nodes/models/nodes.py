"""Which weights a workflow works with."""

from typing import Annotated, Literal, NamedTuple, cast

from assets.values import Captioner, DiT, Expander, TextEncoder, VideoVAE
from assets.weight_files import BUILTIN, weights_digest
from nodes.api import node
from nodes.models.handles import read_handle

FILES = ("text_encoder", "dit", "video_vae", "captioner", "expander")


class Models(NamedTuple):
    text_encoder: TextEncoder
    dit: DiT
    vae: VideoVAE
    captioner: Captioner
    expander: Expander


def load_models_spec(family: str) -> Models:
    return cast(Models, Models(*(read_handle(BUILTIN / f"{name}.safetensors") for name in FILES)))  # type: ignore[arg-type]


def weights_content(family: str) -> str:
    return " ".join(weights_digest(BUILTIN / f"{name}.safetensors") for name in FILES)


@node(
    version=1,
    category="models",
    spec=load_models_spec,
    content=weights_content,
    label="Models",
    keywords=("weights", "checkpoint", "load"),
)
def load_models(
    *, family: Annotated[Literal["patchloom"], "Model family: the built-in one needs no download."] = "patchloom"
) -> Models:
    """The models of a family. They are loaded when a node first uses them, and stay in memory."""
    return load_models_spec(family)
