"""Handles of single files of weights: one part of a family each. No torch here."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from assets.files import FileRefused, Files
from assets.values import DiT, ImageEncoder, TextEncoder, VideoVAE
from assets.values.handles import Precision
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.formats.layouts import Part
from nodes.families.formats.single_file import header_of, held_in
from nodes.families.formats.tokens import require_tokenizer
from nodes.families.registry import Components, components, image_encoder

PrecisionWidget = Annotated[
    Precision,
    "bfloat16 halves float32's memory; float8 storage halves it again at some loss. As stored: as the file has it.",
]


def find_weights(files: Files, name: str) -> Path:
    """A file of weights below the models folders or the input folders; FileRefused where there is none."""
    try:
        path = files.find_model(name)
    except FileRefused:
        path = files.find(name)
    if path.is_dir():
        raise FileRefused(f"{name!r} is a folder; a file is needed here. Load a model's folder by 'Models from disk'")
    return path


def dit_of(path: Path, second: Path | None = None, precision: Precision = "as stored") -> DiT:
    """The DiT in a file; second: that of its expert for low noise. WeightsRefused where they do not fit together."""
    dit = replace(_components(path, "transformer").dit, precision=precision)
    if second is None:
        return dit
    one, other = held_in(path, "transformer"), held_in(second, "transformer")
    if one.config != other.config:
        differ = next(name for name in one.config if one.config[name] != other.config.get(name))
        raise WeightsRefused(
            f"{second.name} has {differ} {other.config.get(differ)}, {path.name} has {one.config[differ]}; needs two "
            "experts of one model, for high and for low noise. Choose the file that goes with it."
        )
    digest = hashlib.sha256(f"{dit.digest} {weights_digest(second)}".encode()).hexdigest()
    return replace(dit, digest=digest, second=str(second))


def vae_of(path: Path) -> VideoVAE:
    return _components(path, "vae").vae


def text_encoder_of(path: Path, precision: Precision = "as stored") -> TextEncoder:
    made = _components(path, "text_encoder").text_encoder
    require_tokenizer(header_of(path))
    return replace(made, precision=precision)


def image_encoder_of(path: Path) -> ImageEncoder:
    held_in(path, "image_encoder")
    return image_encoder(path)


def _components(path: Path, part: Part) -> Components:
    held_in(path, part)
    return components(path)
