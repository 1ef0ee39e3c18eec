"""Which weights a workflow works with."""

from typing import Annotated, Literal, NamedTuple

from assets.values import Captioner, DiT, Expander, TextEncoder, VideoVAE
from nodes.api import node
from nodes.models.handles import builtin

Family = Annotated[Literal["patchloom"], "Model family; the built-in one needs no download."]


class Models(NamedTuple):
    text_encoder: TextEncoder
    dit: DiT
    vae: VideoVAE


def load_models_spec(family: str) -> Models:
    return Models(builtin(TextEncoder), builtin(DiT), builtin(VideoVAE))


def load_models_content(family: str) -> str:
    return " ".join(handle.digest for handle in load_models_spec(family))


@node(
    version=1,
    category="models",
    spec=load_models_spec,
    content=load_models_content,
    label="Models",
    keywords=("weights", "checkpoint", "load"),
)
def load_models(*, family: Family = "patchloom") -> Models:
    """The models that make video of text. They are loaded when a node first uses them, and stay in memory."""
    return load_models_spec(family)


def load_captioner_spec(family: str) -> Captioner:
    return builtin(Captioner)


def load_captioner_content(family: str) -> str:
    return load_captioner_spec(family).digest


@node(
    version=1,
    category="models",
    spec=load_captioner_spec,
    content=load_captioner_content,
    label="Captioner",
    keywords=("weights", "describe", "load"),
)
def load_captioner(*, family: Family = "patchloom") -> Captioner:
    """The model that describes what a latent shows."""
    return load_captioner_spec(family)


def load_expander_spec(family: str) -> Expander:
    return builtin(Expander)


def load_expander_content(family: str) -> str:
    return load_expander_spec(family).digest


@node(
    version=1,
    category="models",
    spec=load_expander_spec,
    content=load_expander_content,
    label="Prompt expander",
    keywords=("weights", "upsample", "load"),
)
def load_expander(*, family: Family = "patchloom") -> Expander:
    """The model that makes a short prompt descriptive."""
    return load_expander_spec(family)
