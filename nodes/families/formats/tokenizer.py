"""Tokenizers: of a folder, or of the file that holds the text encoder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from safetensors import safe_open
from transformers import AutoTokenizer, T5Tokenizer

from assets.weight_files import WeightsRefused
from assets.weight_headers import is_gguf

TENSOR = "spiece_model"
"""ComfyUI keeps the bytes of the sentencepiece model among the weights."""


def load_tokenizer(path: Path) -> Any:
    """path: the tokenizer's folder, or for a single file its path and a name below it."""
    if not path.parent.is_file():
        return AutoTokenizer.from_pretrained(path, local_files_only=True)
    file = path.parent
    if not is_gguf(file):
        with safe_open(file, framework="numpy") as tensors:
            if TENSOR in tensors.keys():  # noqa: SIM118 - safe_open is no mapping
                return _sentencepiece(tensors.get_tensor(TENSOR).tobytes())
    raise WeightsRefused(
        f"{file.name} holds a text encoder without its tokenizer; needs one that has it (ComfyUI's umt5_xxl files do), "
        "or the model's diffusers folder."
    )


def _sentencepiece(model: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spiece.model"
        file.write_bytes(model)
        return T5Tokenizer(vocab_file=str(file), extra_ids=0)
