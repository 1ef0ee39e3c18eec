"""Language models on disk, by transformers: any causal model writes, any image-text-to-text model describes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from assets.weight_files import WeightsRefused
from nodes.families.language.instructions import CAPTION, with_all_of

MOST_TOKENS = 400


class LocalWriter(nn.Module):
    """Expands prompts by a causal language model."""

    def __init__(self, folder: Path, instructions: str) -> None:
        super().__init__()
        self.instructions = instructions
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()

    @torch.inference_mode()
    def expand(self, prompt: str, seed: int) -> str:
        told = [{"role": "system", "content": self.instructions}, {"role": "user", "content": prompt}]
        if self.tokenizer.chat_template:
            text = self.tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
        else:  # a plain model goes on with what it reads
            text = f"{self.instructions}\n\nPrompt: {prompt}\nNew prompt:"
        asked = self.tokenizer(text, return_tensors="pt", add_special_tokens=not self.tokenizer.chat_template)
        asked = {name: ids.to(self.model.device) for name, ids in asked.items() if name != "token_type_ids"}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = self.model.generate(**asked, max_new_tokens=MOST_TOKENS, do_sample=True, temperature=0.7, top_p=0.9)
        answer = self.tokenizer.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)
        return with_all_of(prompt, answer)


class LocalDescriber(nn.Module):
    """Captions clips by a model that reads images."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        try:
            self.processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
            self.model = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise WeightsRefused(
                f"{folder.name} does not open as a model that reads images and writes text ({error}); choose another, "
                "or get it again"
            ) from error
        if not getattr(self.processor, "chat_template", None):
            raise WeightsRefused(
                f"{folder.name} has no chat template, so it cannot be asked for a text about several frames; get the "
                "model's version for chat, or its chat_template.jinja"
            )

    @torch.inference_mode()
    def describe(self, frames: Sequence[npt.NDArray[np.uint8]], asked: str = CAPTION) -> str:
        """What frames (h w 3) of a clip show; the likeliest words, so that it says the same each time."""
        pictures = [Image.fromarray(frame) for frame in frames]
        content = [*({"type": "image"} for _ in pictures), {"type": "text", "text": asked}]
        text = self.processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        told = self.processor(images=pictures, text=text, return_tensors="pt").to(self.model.device, self.model.dtype)
        made = self.model.generate(**told, max_new_tokens=MOST_TOKENS, do_sample=False)
        answer: str = self.processor.decode(made[0, told["input_ids"].shape[1] :], skip_special_tokens=True)
        return answer.strip()
