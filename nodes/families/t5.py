"""T5 as a text encoder, with what each family does differently about padding."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, T5EncoderModel

from assets.values import Conditioning


class T5Text(nn.Module):
    """The text's rows without padding, for a transformer that looks at no padding.

    family: what its conditionings are called. length: tokens that it always reads, text and padding. sees_padding:
    whether the text attends to the padding, as it was trained to in some families. empty_is_none: whether an empty text
    is no row at all.
    """

    def __init__(
        self, folder: Path, family: str, length: int, *, sees_padding: bool = False, empty_is_none: bool = False
    ) -> None:
        super().__init__()
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        self.encoder = T5EncoderModel.from_pretrained(folder / "text_encoder", local_files_only=True).eval()
        self.family, self.length = family, length
        self.sees_padding, self.empty_is_none = sees_padding, empty_is_none

    @torch.inference_mode()
    def read(self, text: str) -> Conditioning:
        rows, words = self._rows(text)
        null, _ = self._rows("")
        return Conditioning(rows, words, null, self.family)

    def _rows(self, text: str) -> tuple[Tensor, tuple[str, ...]]:
        """One row (m d) a token, and what each stands for."""
        found = self.tokenizer(
            text, padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        ).to(self.encoder.device)
        ids, mask = found.input_ids, found.attention_mask
        if self.empty_is_none and not text:
            ids, mask = torch.zeros_like(ids), torch.zeros_like(mask)
        rows = self.encoder(ids, None if self.sees_padding else mask).last_hidden_state[0]
        count = int(mask.sum())
        return rows[:count].float().cpu(), tuple(self.tokenizer.convert_ids_to_tokens(ids[0, :count].tolist()))
