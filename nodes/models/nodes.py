"""Which weights a workflow works with."""

from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

from assets.files import Files
from assets.values import Captioner, DiT, Expander, TextEncoder, VideoVAE
from assets.weight_files import weights_digest
from nodes.api import FileName, Range, SpecError, node
from nodes.dit.lora_file import read_config
from nodes.models.handles import builtin, handle

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


def load_dit_spec(file: str, files: Files) -> DiT:
    return handle(DiT, files.find(file))


def load_file_content(file: str, files: Files) -> str:
    return weights_digest(files.find(file))


@node(
    version=1,
    category="models",
    spec=load_dit_spec,
    content=load_file_content,
    label="DiT from a file",
    keywords=("weights", "checkpoint", "own clips", "fine-tune", "load"),
)
def load_dit(
    *,
    files: Files,
    file: Annotated[str, FileName("open", ("safetensors",)), "What `patchloom train dit --data` wrote."] = "",
) -> DiT:
    """A DiT that was trained further on clips of your own; the family's text encoder and VAE go with it."""
    return load_dit_spec(file, files)


def load_lora_spec(dit: DiT, file: str, weight: float, files: Files) -> DiT:
    path = files.find(file)
    base = read_config(path).base
    if base != dit.digest:
        raise SpecError(
            f"Got a LoRA for the DiT {base[:8]}; this DiT is {dit.digest[:8]}. Train the LoRA again on these weights "
            "(patchloom train lora), or load the weights that it was made for."
        )
    return replace(dit, loras=(*dit.loras, (str(path), weights_digest(path), float(weight))))


@node(
    version=1,
    category="models",
    spec=load_lora_spec,
    content=load_file_content,
    label="LoRA",
    keywords=("adapter", "style", "fine-tune", "own clips", "load"),
)
def load_lora(
    dit: Annotated[DiT, "The DiT that it was trained on; also one that has a LoRA already."],
    *,
    files: Files,
    file: Annotated[str, FileName("open", ("safetensors",)), "What `patchloom train lora` wrote."] = "",
    weight: Annotated[float, Range(-2, 2, 0.05), "How much of it; 0 is none, below 0 the opposite."] = 1.0,
) -> DiT:
    """Let a DiT show what it learned of a few clips: a style, a thing, a motion."""
    return load_lora_spec(dit, file, weight, files)
