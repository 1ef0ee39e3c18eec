"""Text encoders with their tokenizers: of a model's folder, or of files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from safetensors import safe_open
from transformers import AutoTokenizer

from assets.values import TextEncoder
from assets.weight_files import WeightsRefused
from nodes.families.formats.loading import load_part
from nodes.families.formats.tokens import SENTENCEPIECE, TENSOR, Reader, tokenizer_of

SPARE = 128
"""Rows of a text encoder that no word stands for, at most: they make its count a round one."""


def load_reader(handle: TextEncoder, reader: Reader, kind: type[Any]) -> tuple[Any, Any]:
    """The tokenizer and the text encoder, of this class of transformers'; WeightsRefused where they are not a pair."""
    path = Path(handle.path)
    place = tokenizer_of(handle, reader)
    tokenizer = load_tokenizer(place)
    second = Path(handle.second) if handle.second and reader.part == "text_encoder_2" else path
    encoder: Any = load_part(kind, second / reader.part)
    if path.is_file():
        words, rows = len(tokenizer), encoder.config.vocab_size
        if not rows - SPARE <= words <= rows:
            raise WeightsRefused(
                f"{place.name} knows {words} words, {second.name} {rows}; needs the tokenizer of this text encoder "
                f"({reader.label}): name the folder of the one that goes with it"
            )
        tokenizer.padding_side = "right"
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer, encoder


def load_tokenizer(path: Path) -> Any:
    """path: the tokenizer's folder, or for a single file its path and a name below it."""
    if path.parent.is_file():
        with safe_open(path.parent, framework="numpy") as tensors:
            return _sentencepiece(tensors.get_tensor(TENSOR).tobytes())
    if not (path / "tokenizer_config.json").is_file() and (path / SENTENCEPIECE).is_file():
        return _sentencepiece((path / SENTENCEPIECE).read_bytes())
    return AutoTokenizer.from_pretrained(path, local_files_only=True)


def _sentencepiece(model: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / SENTENCEPIECE).write_bytes(model)
        (Path(folder) / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer", "extra_ids": 0}')
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
