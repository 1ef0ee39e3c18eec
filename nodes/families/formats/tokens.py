"""Where the tokenizer of a text encoder is: in its model's folder, in its own file, or in a folder. No torch here."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from assets.values import TextEncoder
from assets.weight_files import WeightsRefused, weights_digest
from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Part
from nodes.families.formats.single_file import header_of

TENSOR = "spiece_model"
"""ComfyUI keeps the bytes of the sentencepiece model among the weights."""
SENTENCEPIECE = "spiece.model"
FILES = ("tokenizer.json", SENTENCEPIECE, "vocab.json")
"""One of these a tokenizer's folder has."""
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reader:
    """A kind of text encoder.

    label: what people call it. part, tokenizer: of a model's folder. folders: what its tokenizer's folder is called
    beside a file, and in ComfyUI. pieces: whether its tokenizer may be a sentencepiece file alone.
    """

    label: str
    part: Part
    tokenizer: str
    folders: tuple[str, ...]
    pieces: bool = False


T5 = Reader("T5", "text_encoder", "tokenizer", ("t5_tokenizer",), pieces=True)
UMT5 = Reader("UMT5", "text_encoder", "tokenizer", ("umt5_tokenizer",), pieces=True)
LLAMA = Reader("LLaMA", "text_encoder", "tokenizer", ("llama_tokenizer",))
CLIP = Reader("CLIP", "text_encoder_2", "tokenizer_2", ("clip_tokenizer", "sd1_tokenizer"))


def tokenizer_of(handle: TextEncoder, reader: Reader) -> Path:
    """A tokenizer's folder, or for one within the text encoder's file its path and a name below it."""
    path = Path(handle.path)
    return find_tokenizer(path, handle.tokenizers, reader) if path.is_file() else path / reader.tokenizer


def find_tokenizer(file: Path, folder: str, reader: Reader) -> Path:
    """The tokenizer of a text encoder in a file. folder: that has it, "" for the file's own. WeightsRefused for none"""
    if reader.pieces and not folder and _holds(header_of(file)):
        return file / reader.tokenizer
    above = Path(folder) if folder else file.parent
    named = (*reader.folders, reader.tokenizer) if folder else reader.folders
    for place in (above / name for name in named):
        if any((place / name).is_file() for name in FILES):
            return place
    if any((above / name).is_file() for name in FILES if folder or (reader.pieces and name == SENTENCEPIECE)):
        return above
    pieces = f" or a file {SENTENCEPIECE}" if reader.pieces else ""
    raise WeightsRefused(
        f"{file.name} holds a {reader.label} text encoder without its tokenizer; needs a folder {named[0]} (with "
        f"tokenizer.json, as ComfyUI has it){pieces} in {above}. Copy it there, name a model's folder that has one "
        "under tokenizer, or take the model's diffusers folder."
    )


def tokenizer_digest(place: Path) -> str:
    """sha256 of a tokenizer's files; "" for one within the text encoder's file."""
    if place.parent.is_file():
        return ""
    whole = hashlib.sha256()
    for file in sorted(place.iterdir()):
        if file.suffix in (".json", ".model", ".txt"):
            whole.update(f"{file.name} {weights_digest(file)}\n".encode())
    return whole.hexdigest()


def _holds(header: WeightHeader) -> bool:
    found = header.tensors.get(TENSOR)
    return found is not None and not header.gguf and found.dtype in ("U8", "I8") and found.shape[0] <= MAX_BYTES
