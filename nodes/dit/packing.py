"""Clips of different size and length in one row (NaViT, Dehghani et al. 2023): each attends to itself alone.

No mask of n x n: a row is cut into its clips, and clips of equal length are attended in one batched call, so that no
product is made only to be masked. (A GPU has kernels for this, varlen or flex attention; they are not used here.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor

from nodes.dit.attention import attention


class Packing:
    """How rows (b n) are laid out: `lengths`, the tokens of each clip in order, alike in all rows of a batch."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.lengths = tuple(lengths)
        alike: dict[int, list[int]] = {}
        for clip, length in enumerate(self.lengths):
            alike.setdefault(length, []).append(clip)
        self.alike = list(alike.values())

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Self-attention of each clip: q, k, v and the result are (b heads n d)."""
        groups = zip(self._cut(q), self._cut(k), self._cut(v), strict=True)
        return self._join([attention(*group, None) for group in groups])

    def read(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """Each clip reads its own words: q (b heads n d), k and v (b clips heads m d), mask (b clips m)."""
        groups = zip(self._cut(q), *(self._group(words) for words in (k, v, mask)), strict=True)
        return self._join([attention(q, k, v, rearrange(mask, "b m -> b 1 1 m")) for q, k, v, mask in groups])

    def each_token(self, x: Tensor) -> Tensor:
        """What holds for each clip, (b clips d), for each of its tokens: (b n d), or (b 1 d) if there is one clip."""
        if len(self.lengths) == 1:
            return x
        each = zip(x.split(1, dim=1), self.lengths, strict=True)  # type: ignore[no-untyped-call]
        return torch.cat([clip.expand(-1, length, -1) for clip, length in each], dim=1)

    def _cut(self, x: Tensor) -> list[Tensor]:
        """(b heads n d) -> for each group of k clips of length l: (k b) heads l d."""
        if len(self.lengths) == 1:
            return [x]
        clips = torch.split(x, list(self.lengths), dim=2)
        return [torch.cat([clips[clip] for clip in group]) for group in self.alike]

    def _group(self, x: Tensor) -> list[Tensor]:
        """(b clips ...) -> for each group of k clips: (k b) ..."""
        clips = x.unbind(dim=1)
        return [clips[group[0]] if len(group) == 1 else torch.cat([clips[i] for i in group]) for group in self.alike]

    def _join(self, groups: list[Tensor]) -> Tensor:
        if len(self.lengths) == 1:
            return groups[0]
        clips: dict[int, Tensor] = {}
        for group, attended in zip(self.alike, groups, strict=True):
            clips |= zip(group, attended.chunk(len(group)), strict=True)
        return torch.cat([clips[clip] for clip in range(len(self.lengths))], dim=2)
