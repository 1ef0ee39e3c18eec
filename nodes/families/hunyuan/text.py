"""HunyuanVideo's two text encoders: LLaMA, a row a token, and CLIP, one row for the whole (diffusers hunyuan_video)."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE
from torch import Tensor, nn
from transformers import CLIPTextModel, LlamaModel

from assets.values import Conditioning, TextEncoder
from nodes.families.formats.tokenizer import load_reader
from nodes.families.formats.tokens import CLIP, LLAMA
from nodes.families.hunyuan.handles import FAMILY, MAX_TOKENS

LAYERS_LEFT_OUT = 2
CLIP_TOKENS = 77


class HunyuanText(nn.Module):
    """LLaMA reads the text after an instruction to describe a video; the instruction's rows are cut off."""

    def __init__(self, handle: TextEncoder, kind: type[Any] = LlamaModel) -> None:
        super().__init__()
        self.tokenizer, self.encoder = load_reader(handle, LLAMA, kind)
        self.clip_tokenizer, self.clip = load_reader(handle, CLIP, CLIPTextModel)

    @torch.inference_mode()
    def read(self, text: str) -> Conditioning:
        (rows, words), (null, _) = self._rows(text), self._rows("")
        return Conditioning(
            rows, words, null, FAMILY, extras={"pooled": self._pooled(text)}, null_extras={"pooled": self._pooled("")}
        )

    def _rows(self, text: str) -> tuple[Tensor, tuple[str, ...]]:
        """One row (m d) a token, without padding: the transformer attends to none."""
        start: int = DEFAULT_PROMPT_TEMPLATE["crop_start"]
        found = self.tokenizer(
            DEFAULT_PROMPT_TEMPLATE["template"].format(text), max_length=MAX_TOKENS + start, padding="max_length",
            truncation=True, return_tensors="pt",
        ).to(self.encoder.device)  # fmt: skip
        ids, mask = found.input_ids, found.attention_mask
        layers = self.encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        kept = slice(start, int(mask.sum()))
        rows: Tensor = layers[-(LAYERS_LEFT_OUT + 1)][0, kept]
        return rows.float().cpu(), tuple(self.tokenizer.convert_ids_to_tokens(ids[0, kept].tolist()))

    def _pooled(self, text: str) -> Tensor:
        """(d,)"""
        found = self.clip_tokenizer(
            text, padding="max_length", max_length=CLIP_TOKENS, truncation=True, return_tensors="pt"
        )
        pooled: Tensor = self.clip(found.input_ids.to(self.clip.device)).pooler_output[0]
        return pooled.float().cpu()
