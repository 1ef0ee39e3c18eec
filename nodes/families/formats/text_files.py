"""Text encoders in files of their own: which DiT they read for, and what goes with them. No torch here."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from assets.values import DiT, TextEncoder
from assets.values.handles import Precision
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.formats import t5
from nodes.families.formats.layouts import Held, family_label
from nodes.families.formats.single_file import held_in
from nodes.families.formats.tokens import CLIP, LLAMA, T5, UMT5, Reader, find_tokenizer, tokenizer_digest
from nodes.families.registry import components

READERS: dict[str, tuple[Reader, ...]] = {t5.NAME: (T5,), "wan": (UMT5,), "hunyuan": (LLAMA, CLIP)}
READ_BY_T5 = ("ltx", "cogvideox", "mochi")


def text_encoder_of(
    path: Path,
    precision: Precision = "as stored",
    second: Path | None = None,
    tokenizers: Path | None = None,
    dit: DiT | None = None,
    vision: Path | None = None,
) -> TextEncoder:
    """The text encoder in a file.

    second: the file of the other, where a model has two. tokenizers: a folder that has those that are not in the files
    or beside them. dit: what it is to read for, where the file does not tell. vision: the file of what it sees pictures
    by, where it reads these too. WeightsRefused where they do not fit.
    """
    held = held_in(path, "text_encoder")
    made = _by_t5(path, held, dit) if held.family == t5.NAME else components(path).text_encoder
    if vision:
        made = _seeing(path, held, made, vision, dit)
    if dit:
        _require_dit(path, made, dit)
    readers = READERS[held.family]
    _require_second(path, second, readers)
    folder = str(tokenizers) if tokenizers else ""
    beside = [tokenizer_digest(find_tokenizer(path, folder, reader)) for reader in readers]
    if second:
        beside.append(weights_digest(second))
    if vision:
        beside.append(f"{weights_digest(vision)} {made.encoder}")
    digest = hashlib.sha256(" ".join([made.digest, *beside]).encode()).hexdigest() if any(beside) else made.digest
    return replace(
        made,
        digest=digest,
        precision=precision,
        second=str(second) if second else "",
        tokenizers=folder,
        vision=str(vision) if vision else "",
    )


def _by_t5(path: Path, held: Held, dit: DiT | None) -> TextEncoder:
    """T5 as the DiT's family reads by it: how many tokens, with what padding."""
    if dit is None or dit.family not in READ_BY_T5:
        families = " and ".join(", ".join(map(family_label, READ_BY_T5)).rsplit(", ", 1))
        got = "no DiT" if dit is None else f"one of {family_label(dit.family)}"
        raise WeightsRefused(
            f"{path.name} holds a T5, which {families} read by, each in its own way; it needs the DiT to read for, and "
            f"there is {got}. Wire its DiT into this node."
        )
    read, width = components(Path(dit.path)).text_encoder, held.config["d_model"]
    told = f"{weights_digest(path)} {json.dumps(held.config, sort_keys=True)} {read.encoder} {read.max_tokens}"
    return replace(read, path=str(path), digest=hashlib.sha256(told.encode()).hexdigest(), dim=width)


def _seeing(path: Path, held: Held, made: TextEncoder, vision: Path, dit: DiT | None) -> TextEncoder:
    """A text encoder with the eyes in a file: what it makes of a picture is as the DiT is to have it."""
    eyes = held_in(vision, "image_encoder")
    if held.family != "hunyuan" or eyes.family != held.family:
        raise WeightsRefused(
            f"{vision.name} holds a {family_label(eyes.family)} image encoder, which {path.name} does not see by; "
            "leave vision empty. Wan's goes into 'Image encoder from a file'."
        )
    if dit is None or dit.family != held.family or not dit.images:
        raise WeightsRefused(
            f"{vision.name} is for HunyuanVideo's image to video, whose kinds see pictures in ways of their own; it "
            "needs the DiT that it is to see for. Wire that into this node, or leave vision empty."
        )
    rows = eyes.config["text_config"]["hidden_size"]
    if rows != made.dim:
        raise WeightsRefused(
            f"{vision.name} makes rows of {rows}; {path.name} reads rows of {made.dim}. Choose its own"
        )
    return replace(made, encoder=dit.encoder, images=dit.images)


def _require_dit(path: Path, made: TextEncoder, dit: DiT) -> None:
    if dit.images and not made.images and (made.family, dit.family) == ("hunyuan", "hunyuan"):
        raise WeightsRefused(
            f"{path.name} reads text alone; this DiT goes on from an image, which its text encoder is to see too. "
            "Choose the file of its eyes, which ComfyUI calls llava_llama3_vision, under vision."
        )
    if made.encoder != dit.encoder:
        raise WeightsRefused(
            f"{path.name} reads for {made.encoder!r}; this DiT ({family_label(dit.family)}) needs {dit.encoder!r}. "
            "Choose its file, or take the text encoder of the model's folder."
        )
    read = components(Path(dit.path)).text_encoder
    if made.dim != read.dim:
        raise WeightsRefused(
            f"{path.name} makes rows of {made.dim}; this DiT reads rows of {read.dim}. Choose the text encoder that "
            "goes with it."
        )


def _require_second(path: Path, second: Path | None, readers: tuple[Reader, ...]) -> None:
    if len(readers) == 1 and second:
        raise WeightsRefused(f"{path.name} is read alone; it takes no second file: leave it empty")
    if len(readers) == 2:
        if second is None:
            raise WeightsRefused(
                f"{path.name} is one of two that a text is read by; it needs the other too: choose CLIP's file, which "
                "ComfyUI calls clip_l, under second"
            )
        held_in(second, "text_encoder_2")
