"""HunyuanVideo's text encoders for image to video: LLaVA reads picture and text together (diffusers hunyuan_video)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from torch import Tensor
from transformers import CLIPImageProcessor, LlavaForConditionalGeneration

from assets.values import Conditioning, TextEncoder
from nodes.families.folder import read_folder
from nodes.families.hunyuan.handles import MAX_TOKENS, image_row_step
from nodes.families.hunyuan.text import LAYERS_LEFT_OUT, HunyuanText

BLACK_STEP = 2
"""Of the rows of the black picture that goes with a negative text, every second, whatever the DiT (as diffusers)."""
LED_BY = 4
"""Tokens before the answer, from the end of the text to the end of the assistant's name: they are cut out."""


class PicturedText(HunyuanText):
    """LLaVA's rows of the picture, some of them, then those of the text; its instruction is cut off."""

    def __init__(self, handle: TextEncoder) -> None:
        super().__init__(handle, LlavaForConditionalGeneration)
        folder = Path(handle.path)
        self.name = handle.encoder
        self.processor = CLIPImageProcessor.from_pretrained(folder / "image_processor", local_files_only=True)
        self.step = image_row_step(read_folder(folder).config("transformer").get("image_condition_type"))
        self.image_token: int = self.encoder.config.image_token_id
        self.end_of_name: int = self.tokenizer.convert_tokens_to_ids("<|end_header_id|>")

    @torch.inference_mode()
    def read(self, text: str, picture: npt.NDArray[np.uint8] | None = None) -> Conditioning:
        """picture: uint8 (h w 3) in sRGB; None: a black one, as goes with a text that is led away from."""
        black = np.zeros((8, 8, 3), np.uint8)
        shown, step = (black, BLACK_STEP) if picture is None else (picture, self.step)
        (rows, words), (null, _) = self._seen(text, shown, step), self._seen("", black, BLACK_STEP)
        return Conditioning(
            rows,
            words,
            null,
            self.name,
            extras={"pooled": self._pooled(text)},
            null_extras={"pooled": self._pooled("")},
        )

    def _seen(self, text: str, picture: npt.NDArray[np.uint8], step: int) -> tuple[Tensor, tuple[str, ...]]:
        """Rows (m d): every `step`-th of the picture's, then one a token of the text."""
        start, count = DEFAULT_PROMPT_TEMPLATE["crop_start"], DEFAULT_PROMPT_TEMPLATE["image_emb_len"]
        asked = DEFAULT_PROMPT_TEMPLATE["template"].format(text)
        ids = self.tokenizer(asked, max_length=MAX_TOKENS + start, truncation=True).input_ids
        place = ids.index(self.image_token)
        whole = torch.tensor([[*ids[:place], *[self.image_token] * count, *ids[place + 1 :]]])
        pixels = self.processor(images=picture, return_tensors="pt").pixel_values
        device, dtype = self.encoder.device, self.encoder.dtype
        layers = self.encoder.model(
            input_ids=whole.to(device), pixel_values=pixels.to(device, dtype), output_hidden_states=True
        ).hidden_states
        rows = layers[-(LAYERS_LEFT_OUT + 1)][0].float().cpu()
        kept = self._of_text(ids, start)
        of_picture = rows[place : place + count : step]
        words = ("<image>",) * len(of_picture) + tuple(self.tokenizer.convert_ids_to_tokens([ids[at] for at in kept]))
        return torch.cat([of_picture, rows[[at + count - 1 for at in kept]]]), words

    def _of_text(self, ids: list[int], start: int) -> list[int]:
        """Where the text's tokens are: after the instruction, without what comes before the answer."""
        named = [at for at, token in enumerate(ids) if token == self.end_of_name]
        # System, user and assistant are named; the last of them is cut off where a text is too long.
        answer = named[-1] + 1 if len(named) > 2 else len(ids)
        return [*range(start, answer - LED_BY), *range(answer, len(ids))]
