"""A diffusion transformer on spacetime patches (Peebles & Xie 2023) whose every token has its own noise level.

Self-attention with 3D RoPE and normalised queries and keys, cross-attention to the text, adaLN-Zero modulation from
one shared projection and a table a block (PixArt-alpha, Chen et al. 2023). Clips of different size and length pack
into one row, see `packing`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from nodes.dit.config import DiTConfig
from nodes.dit.packing import Packing
from nodes.dit.rope import Rotation, rotate, rotation
from nodes.dit.skipping import Skips
from nodes.weights_file import load_weights, save_weights


class Words(NamedTuple):
    """What the DiT has read of the text of each clip: the same at every step, so it is computed once a run."""

    summary: Tensor
    """(b clips d), to modulate by"""
    keys_values: tuple[tuple[Tensor, Tensor], ...]
    """(b clips heads m d) twice, for each block"""
    mask: Tensor
    """(b clips m) bool, true at a word"""


class DiT(nn.Module):
    """Predicts its objective's target (for flow the velocity, noise minus clean) for every token."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.enter = nn.Linear(config.token_width, width)
        self.where = nn.Linear(_FOURIER, width)
        self.noise = nn.Sequential(nn.Linear(_NOISE_WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.summary = nn.Linear(config.text_width, width)
        self.text = nn.Linear(config.text_width, width)
        self.modulate = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.leave_modulate = nn.Linear(width, 2 * width)
        self.leave = nn.Linear(width, config.token_width)
        for layer in (self.modulate, self.leave_modulate, self.leave):  # adaLN-Zero: every block starts as the identity
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        tokens: Tensor,
        coords: Tensor,
        t: Tensor,
        text: Tensor,
        text_mask: Tensor,
        lengths: Sequence[int] | None = None,
    ) -> Tensor:
        """The prediction for each token: (b n d_patch).

        tokens (b n d_patch): noisy patches. coords (b n 3): their places, see `grid_coords`. t (b n): their noise
        levels in [0, 1], 0 for a given token. text (b m d_text), text_mask (b m): true at a word.
        lengths: where a row packs several clips, the tokens of each in order, alike in all rows; then text is
        (b clips m d_text) and text_mask (b clips m). Every clip comes out as if it were run alone.
        """
        return self.denoise(tokens, coords, t, self.read_text(text, text_mask), lengths)

    def read_text(self, text: Tensor, text_mask: Tensor) -> Words:
        """Text (b m d_text) with text_mask (b m), or (b clips m d_text) with (b clips m), as `denoise` takes it."""
        if text.ndim == 3:
            text, text_mask = rearrange(text, "b m d -> b 1 m d"), rearrange(text_mask, "b m -> b 1 m")
        words = self.text(text)
        return Words(
            self.summary(_mean_of_words(text, text_mask)),
            tuple(block.read.keys_values(words) for block in self.blocks),  # type: ignore[union-attr, operator]
            text_mask,
        )

    def denoise(
        self,
        tokens: Tensor,
        coords: Tensor,
        t: Tensor,
        words: Words,
        lengths: Sequence[int] | None = None,
        skips: Skips | None = None,
    ) -> Tensor:
        """As `forward`, with the text read before.

        t may be (b 1) where all tokens of a row have one level. skips: lossy, what is done again where little changed.
        """
        packing = Packing(lengths or (tokens.shape[1],))
        _require_fit(tokens, words, packing)
        turn = rotation(coords, self.config.axes, self.config.theta)
        level = self.noise(noise_waves(t).to(tokens.dtype))
        condition = F.silu(level + packing.each_token(words.summary))
        modulation = rearrange(self.modulate(condition), "b n (six d) -> six b n d", six=6)

        x = self.enter(tokens) + self.where(fourier(coords).to(tokens.dtype))
        part = skips.part("") if skips else None
        if part and part.skip(self._first_input(x, modulation)):
            x = x + part.added[0]
        else:
            entered = x
            for block, keys_values in zip(self.blocks, words.keys_values, strict=True):
                x = block(x, modulation, turn, keys_values, words.mask, packing)
            if part:
                part.added[0] = x - entered
        shift, scale = self.leave_modulate(condition).chunk(2, dim=-1)
        return self.leave(_norm(x) * (1 + scale) + shift)  # type: ignore[no-any-return]

    def _first_input(self, x: Tensor, modulation: Tensor) -> Tensor:
        """What the first block attends to: x normalised and modulated, (b n d)."""
        table: Tensor = self.blocks[0].table  # type: ignore[assignment]
        return _norm(x) * (1 + modulation[1] + table[1]) + modulation[0] + table[0]


class Block(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width = config.width
        self.table = nn.Parameter(torch.zeros(6, width))
        self.attend = SelfAttention(width, config.heads)
        self.read = CrossAttention(width, config.heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        turn: Rotation,
        keys_values: tuple[Tensor, Tensor],
        mask: Tensor,
        packing: Packing,
    ) -> Tensor:
        """x (b n d), modulation (6 b n d), keys_values (b clips heads m d) twice, mask (b clips m)."""
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation + rearrange(self.table, "six d -> six 1 1 d")
        x = x + gate1 * self.attend(_norm(x) * (1 + scale1) + shift1, turn, packing)
        x = x + self.read(_norm(x), keys_values, mask, packing)
        return x + gate2 * self.mlp(_norm(x) * (1 + scale2) + shift2)  # type: ignore[no-any-return]


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_q, self.norm_k = nn.LayerNorm(width // heads, bias=False), nn.LayerNorm(width // heads, bias=False)

    def forward(self, x: Tensor, turn: Rotation, packing: Packing) -> Tensor:
        q, k, v = rearrange(self.qkv(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        q, k = rotate(self.norm_q(q), turn), rotate(self.norm_k(k), turn)
        attended = packing.attend(q.to(v.dtype), k.to(v.dtype), v)
        return self.out(rearrange(attended, "b h n d -> b n (h d)"))  # type: ignore[no-any-return]


class CrossAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.norm_q, self.norm_k = nn.LayerNorm(width // heads, bias=False), nn.LayerNorm(width // heads, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, keys_values: tuple[Tensor, Tensor], mask: Tensor, packing: Packing) -> Tensor:
        q = self.norm_q(rearrange(self.q(x), "b n (h d) -> b h n d", h=self.heads))
        k, v = keys_values
        attended = packing.read(q.to(v.dtype), k, v, mask)
        return self.out(rearrange(attended, "b h n d -> b n (h d)"))  # type: ignore[no-any-return]

    def keys_values(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Of words (b clips m d): (b clips heads m d) twice."""
        k, v = rearrange(self.kv(words), "b s m (two h d) -> two b s h m d", two=2, h=self.heads)
        return self.norm_k(k).to(v.dtype), v


def _require_fit(tokens: Tensor, words: Words, packing: Packing) -> None:
    rows, count, _ = tokens.shape
    if count != sum(packing.lengths):
        raise ValueError(
            f"Got {count} tokens a row; the lengths {packing.lengths} need {sum(packing.lengths)}. "
            "Give the number of tokens of each clip, in order."
        )
    if words.mask.shape[:2] != (rows, len(packing.lengths)):
        got = " x ".join(map(str, words.mask.shape[:2]))
        raise ValueError(
            f"Got the texts of {got} clips for {rows} x {len(packing.lengths)} (rows x clips a row); needs one a clip. "
            "Give the text as (rows clips words width)."
        )


def _mean_of_words(text: Tensor, mask: Tensor) -> Tensor:
    """The mean of each clip's words: (b clips d)."""
    weight = rearrange(mask, "b s m -> b s 1 m").to(text.dtype)
    return rearrange((weight @ text) / weight.sum(dim=-1, keepdim=True).clamp(min=1), "b s 1 d -> b s d")


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


_NOISE_WAVES = 128
_FOURIER = 3 * 12


def noise_waves(t: Tensor) -> Tensor:
    """Sines and cosines of a noise level in [0, 1], at wavelengths from 2 pi to a thousandth of that: (... 128)."""
    pace = torch.exp(torch.linspace(0, math.log(1000), _NOISE_WAVES // 2, device=t.device))
    angle = t.float()[..., None] * pace
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


def fourier(coords: Tensor) -> Tensor:
    """Sines and cosines of the coordinates (... 3), at wavelengths of 2 to 64 patches: (... 36)."""
    pace = math.pi * 2.0 ** -torch.arange(6, device=coords.device)
    angle = rearrange(coords.float()[..., None] * pace, "... a k -> ... (a k)")
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


def save(model: DiT, path: Path, latent_space: str) -> None:
    save_weights(model, path, kind="dit", latent_space=latent_space, config=model.config)


def load(source: Path | str | bytes) -> DiT:
    """The DiT of a weights file. Raises WeightsError."""

    def build(config: dict[str, Any]) -> DiT:
        tuples: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
        return DiT(DiTConfig(**tuples))

    return load_weights(source, kind="dit", build=build)
