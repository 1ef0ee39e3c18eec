"""HunyuanVideo's text encoders for image to video: LLaVA reads picture and text together (diffusers hunyuan_video)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate import init_empty_weights
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessor,
    CLIPVisionModel,
    LlamaModel,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaModel,
)
from transformers.models.llava.modeling_llava import LlavaMultiModalProjector

from assets.values import Conditioning, TextEncoder
from assets.weight_files import WeightsRefused
from nodes.families.formats.loading import load_part
from nodes.families.hunyuan.handles import MAX_TOKENS
from nodes.families.hunyuan.text import LAYERS_LEFT_OUT, HunyuanText

BLACK_STEP = 2
"""Of the rows of the black picture that goes with a negative text, every second, whatever the DiT (as diffusers)."""
LED_BY = 4
"""Tokens before the answer, from the end of the text to the end of the assistant's name: they are cut out."""
IMAGE = "<image>"
"""The token that a picture's rows stand for."""


class PicturedText(HunyuanText):
    """LLaVA's rows of the picture, some of them, then those of the text; its instruction is cut off."""

    def __init__(self, handle: TextEncoder) -> None:
        super().__init__(handle, LlamaModel if handle.vision else LlavaForConditionalGeneration)
        self.name = handle.encoder
        self.step = int(handle.encoder.rpartition("-")[2])
        if handle.vision:
            self.encoder = _with_eyes(self.encoder, self.tokenizer, Path(handle.vision))
            side: int = self.encoder.config.vision_config.image_size
            self.processor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size=side)
        else:
            self.processor = CLIPImageProcessor.from_pretrained(
                Path(handle.path) / "image_processor", local_files_only=True
            )
            self.encoder = self.encoder.model
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
        layers = self.encoder(
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


class Eyes(nn.Module):
    """What LLaVA has beside its language model, as ComfyUI keeps it in a file of its own."""

    config_class = LlavaConfig

    def __init__(self, config: LlavaConfig) -> None:
        super().__init__()
        self.config = config
        self.vision_tower = CLIPVisionModel(config.vision_config)
        self.multi_modal_projector = LlavaMultiModalProjector(config)


def _with_eyes(reads: LlamaModel, tokenizer: Any, file: Path) -> LlavaModel:
    """LLaVA of the two parts that lie in files; WeightsRefused where the tokenizer knows no picture."""
    place = tokenizer.convert_tokens_to_ids(IMAGE)
    if place is None or place == tokenizer.unk_token_id:
        raise WeightsRefused(
            f"the tokenizer has no token {IMAGE}; image to video needs LLaVA's: name a folder that has it"
        )
    eyes = load_part(Eyes, file / "image_encoder")
    config = LlavaConfig(vision_config=eyes.config.vision_config, text_config=reads.config, image_token_index=place)
    with init_empty_weights():
        made = LlavaModel(config)
    made.vision_tower, made.multi_modal_projector = eyes.vision_tower, eyes.multi_modal_projector
    made.language_model = reads
    return made.eval()
