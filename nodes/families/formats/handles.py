"""Handles of single files of weights: one part of a family each. No torch here."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from assets.files import FileRefused, Files
from assets.values import DiT, ImageEncoder, VideoVAE
from assets.values.handles import Memory, Precision
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.formats.layouts import Part, family_label
from nodes.families.formats.single_file import held_in
from nodes.families.holding import AskedPrecision
from nodes.families.registry import NAMES, Components, components, image_encoder
from nodes.families.tiny.files import tiny_file
from nodes.families.tiny.handles import vae_of as tiny_vae_of

PrecisionWidget = Annotated[
    AskedPrecision,
    "As stored: as the file has it. bfloat16 halves float32's memory; float8 storage halves it again at some loss. "
    "float8 matmul, lossy: the DiT multiplies in float8 as well, which is faster from RTX 40 and H100 on. "
    "Automatic: as stored, or float8 where neither the card nor the host's memory holds that, which the node says.",
]

SCALED, LED = ("cogvideox",), ("hunyuan",)
"""Families whose VAE's file leaves open how its latents are scaled; or whether one goes before the clip."""
MemoryWidget = Annotated[
    Memory,
    "Where the weights are: on the device, or streamed there block by block, which is slower, needs less memory "
    "and makes the same. Automatic: as they and the work fit.",
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


def vae_of(path: Path, dit: DiT | None = None) -> VideoVAE:
    """The video VAE in a file; dit: what it is for, where that alters how it is used. WeightsRefused where they differ.

    CogVideoX's sizes scale the latents of one VAE otherwise, and some DiTs have a latent frame before the clip. A tiny
    decoder may stand in for the VAE.
    """
    if tiny := tiny_file(path):
        return tiny_vae_of(tiny, dit)
    made = _components(path, "vae").vae
    if dit is None:
        if made.family in SCALED:
            raise WeightsRefused(
                f"{path.name} holds a {family_label(made.family)} video VAE, which scales its latents for the 2B "
                "otherwise than for the 5B; it needs the DiT that it is for. Wire it into this node."
            )
        return made
    used = components(Path(dit.path)).vae if dit.family in NAMES else None
    if used is None or (used.family, used.channels, used.stride) != (made.family, made.channels, made.stride):
        raise WeightsRefused(
            f"{path.name} holds a {family_label(made.family)} video VAE; this DiT is {family_label(dit.family)} and "
            f"works on {dit.space!r}. Choose the VAE that goes with it."
        )
    return replace(made, space=used.space, lead=used.lead) if made.family in (*SCALED, *LED) else made


def image_encoder_of(path: Path) -> ImageEncoder:
    held_in(path, "image_encoder")
    return image_encoder(path)


def _components(path: Path, part: Part) -> Components:
    held_in(path, part)
    return components(path)
