"""T5 and its kin as text encoders, with what each family does differently about padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import T5EncoderModel

from assets.values import Conditioning, TextEncoder
from nodes.families.formats.tokenizer import load_reader
from nodes.families.formats.tokens import T5


class T5Text(nn.Module):
    """The text's rows, without padding where the transformer looks at none.

    family: what its conditionings are called. length: tokens that it always reads, text and padding. sees_padding:
    whether the text attends to the padding, as it was trained to in some families. keeps_padding: whether the padding
    has rows as well. empty_is_none: whether an empty text is no row at all. clean: what is done to a text before.
    """

    def __init__(
        self,
        tokenizer: Any,
        encoder: Any,
        family: str,
        length: int,
        *,
        sees_padding: bool = False,
        keeps_padding: bool = False,
        empty_is_none: bool = False,
        clean: Callable[[str], str] = str,
    ) -> None:
        super().__init__()
        self.tokenizer, self.encoder, self.clean = tokenizer, encoder, clean
        self.family, self.length = family, length
        self.sees_padding, self.keeps_padding, self.empty_is_none = sees_padding, keeps_padding, empty_is_none

    @torch.inference_mode()
    def read(self, text: str) -> Conditioning:
        rows, words = self._rows(text)
        null, _ = self._rows("")
        return Conditioning(rows, words, null, self.family)

    def _rows(self, text: str) -> tuple[Tensor, tuple[str, ...]]:
        """One row (m d) a token, and what each stands for."""
        found = self.tokenizer(
            self.clean(text), padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        ).to(self.encoder.device)
        ids, mask = found.input_ids, found.attention_mask
        if self.empty_is_none and not text:
            ids, mask = torch.zeros_like(ids), torch.zeros_like(mask)
        rows = self.encoder(ids, None if self.sees_padding else mask).last_hidden_state[0]
        count = self.length if self.keeps_padding else int(mask.sum())
        return rows[:count].float().cpu(), tuple(self.tokenizer.convert_ids_to_tokens(ids[0, :count].tolist()))


def load_t5(handle: TextEncoder) -> tuple[Any, Any]:
    """The tokenizer and the T5 of a handle."""
    return load_reader(handle, T5, T5EncoderModel)
