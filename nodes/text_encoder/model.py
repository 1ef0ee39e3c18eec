"""A small bidirectional transformer over words (Vaswani et al. 2017, pre-norm), trained jointly with the DiT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from einops import rearrange
from torch import Tensor, nn

from assets.values import Conditioning
from nodes.dit.attention import attention
from nodes.models.handles import FAMILY
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.vocabulary import tokenise, words
from nodes.weights_file import load_weights, save_weights


class Encoded(NamedTuple):
    text: Tensor
    """(b m d)"""
    mask: Tensor
    """(b m) bool, true at a word."""


class TextEncoder(nn.Module):
    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Embedding(len(config.words), config.width, padding_idx=0)
        self.places = nn.Parameter(0.02 * torch.randn(config.max_tokens, config.width))
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        nn.init.normal_(self.words.weight, std=0.5)

    def forward(self, ids: Tensor) -> Encoded:
        """ids (b m), 0 is padding."""
        mask = ids != 0
        x = self.words(ids) + self.places[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, mask)
        return Encoded(self.norm(x), mask)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The encoding of each text; the empty text is the null text of guidance."""
        encoded: Encoded = self(collate(texts).to(self.places.device))
        return encoded

    @torch.inference_mode()
    def read(self, text: str) -> Conditioning:
        """What the DiT is told by a text."""
        rows, null = (self.encode([one]).text[0].float().cpu() for one in (text, ""))
        known = words()
        read = tuple(known[number] for number in tokenise(text).ids)
        return Conditioning(rows, read, null, FAMILY, attention=self._attention(text))

    def _attention(self, text: str) -> tuple[float, ...]:
        """The share of the last block's attention that each word has: the mean over its heads and all words."""
        x = self.words(collate([text]).to(self.places.device))
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        *before, last = self.blocks
        x = x + self.places[: x.shape[1]]
        for block in before:
            x = block(x, mask)
        return tuple(round(share, 4) for share in cast(Block, last).shares(x).tolist())


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self._looking(x)
        attended = attention(q, k, v, rearrange(mask, "b m -> b 1 1 m"))
        x = x + self.out(rearrange(attended, "b h m d -> b m (h d)"))
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]

    def shares(self, x: Tensor) -> Tensor:
        """x (1 m d), all of it words -> (m,), of sum 1."""
        q, k, _ = self._looking(x).float()
        return (q @ k.mT * q.shape[-1] ** -0.5).softmax(dim=-1).mean(dim=(0, 1, 2))  # type: ignore[no-any-return]

    def _looking(self, x: Tensor) -> Tensor:
        """x (b m d) -> queries, keys and values (3 b heads m d)."""
        qkv: Tensor = self.qkv(self.norm1(x))
        return rearrange(qkv, "b m (three h d) -> three b h m d", three=3, h=self.heads)


def collate(texts: Sequence[str]) -> Tensor:
    """Word numbers (b m) of the texts, padded with 0 to the longest."""
    rows = [torch.tensor(tokenise(text).ids) for text in texts]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def save(model: TextEncoder, path: Path, latent_space: str) -> None:
    save_weights(model, path, kind="text_encoder", latent_space=latent_space, config=model.config)


def load(source: Path | str | bytes) -> TextEncoder:
    """The encoder of a weights file. Raises WeightsError, also where its words are not this version's."""

    def build(config: dict[str, Any]) -> TextEncoder:
        if tuple(config["words"]) != TextEncoderConfig().words:
            raise ValueError("its words are not those of this version's vocabulary")
        return TextEncoder(TextEncoderConfig(**{**config, "words": tuple(config["words"])}))

    return load_weights(source, kind="text_encoder", build=build)
