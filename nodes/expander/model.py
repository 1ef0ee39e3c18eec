"""The expander: reads a prompt with a transformer, writes with another, and keeps what was asked for.

What it writes is drawn word by word, so that what the prompt leaves open (size, place, motion) differs from seed to
seed; it is drawn from the words that the grammar allows after what is written, given the facts that the prompt asks
for. Words that the family does not know can't be written, so a prompt with such words is kept in front of the caption.
A prompt is returned as it is where it speaks of nothing that the family knows, or of more than a caption can say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nodes.expander.config import ExpanderConfig
from nodes.expander.entities import asked, entities, keeps
from nodes.text_encoder.vocabulary import MAX_TOKENS, tokenise
from nodes.text_encoder.vocabulary import words as prompt_words
from nodes.video_vae.config import LATENT_SPACE
from nodes.weights_file import load_weights, save_weights
from nodes.writer.grammar import Cursor
from nodes.writer.model import Layer, Writer, normed, padded


class Expander(nn.Module):
    def __init__(self, config: ExpanderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(len(config.words), config.width)
        self.places = nn.Parameter(torch.randn(MAX_TOKENS, config.width) * 0.02)
        self.readers = nn.ModuleList(Layer(config.width, writes=False) for _ in range(config.readers))
        self.writer = Writer(config.width, config.writers)
        nn.init.normal_(self.embed.weight, std=0.3)

    def read(self, prompts: list[str]) -> tuple[Tensor, Tensor]:
        """The memory (b n d) of the prompts, and where it is padding (b n)."""
        ids = padded([tokenise(prompt).ids for prompt in prompts]).to(self.places.device)
        blank = ids == 0
        x = self.embed(ids) + self.places[: ids.shape[1]]
        for layer in self.readers:
            x = layer(x, blank=blank)
        return normed(x), blank

    def loss(self, prompts: list[str], texts: list[list[int]]) -> Tensor:
        """Cross entropy of the descriptive captions (as numbers) that belong to the prompts."""
        memory, blank = self.read(prompts)
        return self.writer.loss(texts, memory, blank)

    @torch.no_grad()
    def expand(self, prompt: str, seed: int = 0) -> str:
        """A descriptive caption that keeps everything that the prompt says; another seed fills in other details."""
        if not entities(prompt):
            return prompt
        text = self.write(prompt, seed)
        if not keeps(prompt, text):
            return prompt
        return f"{prompt.strip().rstrip('.')}. {text}" if tokenise(prompt).unknown else text

    @torch.no_grad()
    def write(self, prompt: str, seed: int, temperature: float = 0.9) -> str:
        """A descriptive caption of what the prompt asks for, drawn by the seed."""
        memory, blank = self.read([prompt])
        generator = torch.Generator().manual_seed(seed % 2**63)
        cursors = [Cursor("descriptive", asked(prompt))]
        texts = self.writer.write(
            memory, "descriptive", cursors, temperature=temperature, generator=generator, blank=blank
        )
        return texts[0]


def save(model: Expander, path: Path) -> None:
    """The expander reads no latents; its file names the space of the family that it writes for."""
    save_weights(model, path, kind="expander", latent_space=LATENT_SPACE, config=model.config)


def load(source: Path | str | bytes) -> Expander:
    """The expander of a weights file. Raises WeightsError, also where its words are not this version's."""

    def build(config: dict[str, Any]) -> Expander:
        if tuple(config["words"]) != prompt_words():
            raise TypeError("its words are not those of this version's vocabulary")
        return Expander(ExpanderConfig(**{**config, "words": tuple(config["words"])}))

    return load_weights(source, kind="expander", build=build)
