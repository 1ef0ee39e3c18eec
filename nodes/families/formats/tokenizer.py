"""Tokenizers: of a folder, or of the file that holds the text encoder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from safetensors import safe_open
from transformers import AutoTokenizer

from nodes.families.formats.single_file import header_of
from nodes.families.formats.tokens import TENSOR, require_tokenizer


def load_tokenizer(path: Path) -> Any:
    """path: the tokenizer's folder, or for a single file its path and a name below it."""
    if not path.parent.is_file():
        return AutoTokenizer.from_pretrained(path, local_files_only=True)
    require_tokenizer(header_of(path.parent))
    with safe_open(path.parent, framework="numpy") as tensors:
        return _sentencepiece(tensors.get_tensor(TENSOR).tobytes())


def _sentencepiece(model: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "spiece.model").write_bytes(model)
        (Path(folder) / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer", "extra_ids": 0}')
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
