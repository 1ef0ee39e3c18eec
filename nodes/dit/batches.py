"""Batches for training the DiT at native sizes: clips of different size and length packed in one row, as in NaViT.

All rows of a batch, in all processes, share one layout, so that no product is padded and every process has equal work.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor

from nodes.dit.config import DiTConfig
from nodes.dit.masks import given_tokens
from nodes.dit.objectives import shifted, size_shift
from nodes.patches.layout import Triple, grid_coords, patchify

Drop = Literal["none", "random", "similar"]
_JUDGED_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Clips:
    """Clips of one size, as latents. caption(index, rng, long, still) says what one of them, or its frame, shows."""

    latents: Tensor
    """(count z t h w)"""
    caption: Callable[[int, random.Random, bool, bool], str]

    def grid(self, patch: Triple) -> Triple:
        _, _, *size = self.latents.shape
        t, h, w = (side // unit for side, unit in zip(size, patch, strict=True))
        return t, h, w


@dataclass(frozen=True)
class Slot:
    """A place in a row: rows `start` to `start + rows` of patches in time, of some clip of the `source`-th clips.

    kept: how many of its tokens stay, the others are dropped.
    """

    source: int
    start: int
    grid: Triple
    kept: int


@dataclass(frozen=True)
class Batch:
    """Rows (b n) of packed clips, `lengths` tokens each, and their texts by row and clip."""

    clean: Tensor
    """(b n d)"""
    coords: Tensor
    """(b n 3)"""
    t: Tensor
    """(b n): noise levels; 0 for a given token."""
    eps: Tensor
    """(b n d)"""
    made: Tensor
    """(b n) bool: what is to be made, which alone carries loss."""
    lengths: tuple[int, ...]
    texts: list[list[str]]


@dataclass(frozen=True)
class Mix:
    """What batches are made of."""

    rows: int = 8
    tokens: int = 330
    """In a row, at most; a clip that is larger has a row of its own."""
    images: float = 0.1
    """The share of batches that are of single frames, and of nothing else."""
    windows: float = 0.3
    """How often a long clip is cut in time, so that it begins in its middle: what long videos are made of."""
    given: float = 0.4
    """How often some tokens are given."""
    null_text: float = 0.1
    drop: Drop = "none"
    keep: float = 0.5
    """The share of tokens that are kept where some are dropped."""


def judged_batches(clips: Clips, rows: int, seed: str, config: DiTConfig) -> list[Batch]:
    """What a validation loss is taken of: the same clips, captions and noise every time, at five levels of noise."""
    whole = Mix(rows=rows, tokens=1, images=0, windows=0, given=0, null_text=0)
    batch = draw_batch(random.Random(seed), random.Random(seed), [clips], whole, config)
    return [replace(batch, t=torch.full_like(batch.t, level)) for level in _JUDGED_LEVELS]


def draw_layout(rng: random.Random, clips: Sequence[Clips], mix: Mix, patch: Triple) -> list[Slot]:
    """The slots of a row: clips in proportion to their number, until the row is full."""
    slots: list[Slot] = []
    room, counts = mix.tokens, [len(each.latents) for each in clips]
    only_images = rng.random() < mix.images
    for _ in range(64 if only_images else 8):
        source = rng.choices(range(len(clips)), counts)[0]
        t, h, w = clips[source].grid(patch)
        start, rows = (0, 1) if only_images else _window(rng, t, mix.windows)
        tokens = rows * h * w
        kept = tokens if mix.drop == "none" or rows == 1 else max(1, round(mix.keep * tokens))
        if kept <= room or not slots:
            slots.append(Slot(source, start, (rows, h, w), kept))
            room -= kept
    return slots


def _window(rng: random.Random, rows: int, chance: float) -> tuple[int, int]:
    """Where a clip of `rows` latent frames is cut: its first, and how many."""
    if rows <= 5 or rng.random() >= chance:
        return 0, rows
    length = rng.randint(5, min(9, rows - 1))
    return rng.randint(1, rows - length), length


def draw_batch(
    together: random.Random, rng: random.Random, clips: Sequence[Clips], mix: Mix, config: DiTConfig
) -> Batch:
    """A batch. What `together` draws is alike in all processes: layout, and whether captions are long."""
    slots = draw_layout(together, clips, mix, config.patch)
    long = together.random() < 0.35  # captions of one length in a batch: half the padding
    texts: list[list[str]] = [[] for _ in range(mix.rows)]
    parts = []
    for slot in slots:
        source = clips[slot.source]
        count = len(source.latents)
        picked = rng.sample(range(count), mix.rows) if count >= mix.rows else rng.choices(range(count), k=mix.rows)
        pt = config.patch[0]
        latents = source.latents[picked, :, slot.start * pt : (slot.start + slot.grid[0]) * pt].float()
        parts.append(_arranged(rng, latents, slot, mix, config))
        for row, index in zip(texts, picked, strict=True):
            text = source.caption(index, rng, long, slot.grid[0] == 1 and slot.start == 0)
            row.append("" if rng.random() < mix.null_text else text)
    clean, coords, t, eps, made = (torch.cat(values, dim=1) for values in zip(*parts, strict=True))
    return Batch(clean, coords, t, eps, made, tuple(slot.kept for slot in slots), texts)


def _arranged(
    rng: random.Random, latents: Tensor, slot: Slot, mix: Mix, config: DiTConfig
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """clean, coords, t, eps and made of one slot's tokens in all rows."""
    generator = torch.Generator().manual_seed(rng.getrandbits(63))
    clean = patchify(latents, config.patch)
    rows, tokens, _ = clean.shape
    coords = (grid_coords(*slot.grid) + torch.tensor([slot.start, 0.0, 0.0])).expand(rows, -1, -1)
    given = torch.stack([given_tokens(rng, slot.grid, some=mix.given, window=slot.start > 0) for _ in range(rows)])
    level = draw_level(rows, tokens, config, generator)
    t = torch.where(given, 0.0, rearrange(level, "b -> b 1"))
    if slot.kept < tokens:
        kept = kept_tokens(clean, slot, mix.drop, generator)
        clean, coords = (torch.take_along_dim(x, rearrange(kept, "b k -> b k 1"), dim=1) for x in (clean, coords))
        given, t = given.gather(1, kept), t.gather(1, kept)
    return clean, coords, t, torch.randn(clean.shape, generator=generator), ~given


def draw_level(count: int, tokens: int, config: DiTConfig, generator: torch.Generator) -> Tensor:
    """Noise levels (count,): for flow sigmoid(N(0, 1)), shifted up for larger clips (Esser et al. 2024, eq. 23)."""
    if config.objective != "flow":
        return torch.rand(count, generator=generator)
    return shifted(torch.randn(count, generator=generator).sigmoid(), size_shift(tokens))


def kept_tokens(clean: Tensor, slot: Slot, drop: Drop, generator: torch.Generator) -> Tensor:
    """Which tokens of (b n d) stay: (b kept) indices in order. "similar": those that differ from the frame before.

    The first frame of patches has none before it and counts as differing. Noise breaks ties (still backgrounds).
    """
    rows, tokens, _ = clean.shape
    score = torch.rand(rows, tokens, generator=generator)
    if drop == "similar":
        frames = rearrange(clean, "b (t p) d -> b t p d", t=slot.grid[0])
        change = frames.diff(dim=1, prepend=torch.zeros_like(frames[:, :1])).square().mean(-1)
        score = rearrange(change, "b t p -> b (t p)") * (0.5 + score)
    return score.topk(slot.kept, dim=1).indices.sort(dim=1).values
