"""Which weights a workflow works with."""

from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

from assets.files import Files
from assets.values import Captioner, DiT, Expander, TextEncoder, VideoVAE
from assets.values.handles import Memory
from assets.weight_files import weights_digest
from nodes.api import ModelName, Range, SpecError, node, warn
from nodes.dit.lora_file import read_config
from nodes.families.formats.handles import MemoryWidget, PrecisionWidget, dit_of, find_weights
from nodes.families.formats.lora import left_out
from nodes.families.holding import AskedPrecision, held
from nodes.families.registry import NAMES
from nodes.models.handles import FAMILY, builtin, by_weights, handle, is_own

Family = Annotated[Literal["patchloom"], "Model family; the built-in one needs no download."]


class Models(NamedTuple):
    text_encoder: TextEncoder
    dit: DiT
    vae: VideoVAE


def load_models_spec(family: str) -> Models:
    return Models(builtin(TextEncoder), builtin(DiT), builtin(VideoVAE))


@node(
    version=1,
    category="models",
    spec=load_models_spec,
    content=by_weights(load_models_spec),
    label="Models",
    keywords=("weights", "checkpoint", "load"),
)
def load_models(*, family: Family = "patchloom") -> Models:
    """The models that make video of text. They are loaded when a node first uses them, and stay in memory."""
    return load_models_spec(family)


def load_captioner_spec(family: str) -> Captioner:
    return builtin(Captioner)


@node(
    version=1,
    category="models",
    spec=load_captioner_spec,
    content=by_weights(load_captioner_spec),
    label="Captioner",
    keywords=("weights", "describe", "load"),
)
def load_captioner(*, family: Family = "patchloom") -> Captioner:
    """The model that describes what a latent shows."""
    return load_captioner_spec(family)


def load_expander_spec(family: str) -> Expander:
    return builtin(Expander)


@node(
    version=1,
    category="models",
    spec=load_expander_spec,
    content=by_weights(load_expander_spec),
    label="Prompt expander",
    keywords=("weights", "upsample", "load"),
)
def load_expander(*, family: Family = "patchloom") -> Expander:
    """The model that makes a short prompt descriptive."""
    return load_expander_spec(family)


def load_dit_spec(file: str, second: str, precision: AskedPrecision, memory: Memory, files: Files) -> DiT:
    path = find_weights(files, file)
    if is_own(path):
        return handle(DiT, path)
    made = dit_of(path, find_weights(files, second) if second else None)
    return replace(held(made, precision), memory=memory)


@node(
    version=2,
    category="models",
    spec=load_dit_spec,
    content=by_weights(load_dit_spec),
    label="DiT from a file",
    keywords=("weights", "checkpoint", "own clips", "fine-tune", "load", "gguf", "safetensors", "unet loader", *NAMES),
)
def load_dit(
    *,
    files: Files,
    file: Annotated[
        str, ModelName("file", "transformer"), "A safetensors or GGUF file; or what `patchloom train dit` wrote."
    ] = "",
    second: Annotated[
        str,
        ModelName("file", "transformer", optional=True),
        "The expert for low noise where a model has two (Wan 2.2 A14B), else empty.",
    ] = "",
    precision: PrecisionWidget = "automatic",
    memory: MemoryWidget = "automatic",
) -> DiT:
    """A DiT from a file of its own; its family and size are told by what is in it. Text encoder and VAE go with it."""
    return load_dit_spec(file, second, precision, memory, files)


Expert = Literal["all", "high noise", "low noise"]


def load_lora_spec(dit: DiT, file: str, weight: float, expert: Expert, files: Files, made_for: int = 0) -> DiT:
    path = find_weights(files, file)
    if dit.family != FAMILY:
        if sentence := left_out(path, dit):
            warn(sentence)
    elif (base := read_config(path).base) != dit.digest:
        raise SpecError(
            f"Got a LoRA for the DiT {base[:8]}; this DiT is {dit.digest[:8]}. Train the LoRA again on these weights "
            "(patchloom train lora), or load the weights that it was made for."
        )
    which = "" if expert == "all" else expert
    added = (str(path), digest := weights_digest(path), float(weight), which)
    few_steps = (*dit.few_steps, (digest, made_for)) if made_for else dit.few_steps
    return replace(dit, loras=(*dit.loras, added), few_steps=few_steps)


def load_lora_content(file: str, files: Files) -> str:
    return weights_digest(find_weights(files, file))


@node(
    version=2,
    category="models",
    spec=load_lora_spec,
    content=load_lora_content,
    label="LoRA",
    keywords=("adapter", "style", "fine-tune", "own clips", "load"),
)
def load_lora(
    dit: Annotated[DiT, "The DiT that it was trained on; also one that has a LoRA already."],
    *,
    files: Files,
    file: Annotated[
        str,
        ModelName("file", "lora"),
        "A LoRA as diffusers, ComfyUI or kohya write it; or what `patchloom train lora` wrote.",
    ] = "",
    weight: Annotated[float, Range(-2, 2, 0.05), "How much of it; 0 is none, below 0 the opposite."] = 1.0,
    expert: Annotated[Expert, "Which of two experts it is for, where the DiT has two (Wan 2.2 A14B)."] = "all",
    made_for: Annotated[
        int,
        Range(0, 100),
        "Steps that it is made to sample in, which the sampler then offers; 0: as its name or its file says.",
    ] = 0,
) -> DiT:
    """Let a DiT show what it learned of a few clips: a style, a thing, a motion."""
    return load_lora_spec(dit, file, weight, expert, files, made_for)
