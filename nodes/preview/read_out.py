"""Attention read out beside an ordinary forward: the model itself never makes the table of weights.

Each block's own input is caught on its way in, and the softmax is done again for what is asked: one row of it, or the
words alone. So nothing is slower where nobody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, cast

import torch
from einops import rearrange
from torch import Tensor, nn

from nodes.dit.model import Block, CrossAttention, DiT, SelfAttention
from nodes.dit.rope import Rotation, rotate


def of_token(dit: DiT, token: int, forward: Callable[[], Any]) -> Tensor:
    """How far the token of that index looks at each token of its clip, in every block: (blocks n), each row sums to 1.

    forward: runs the DiT on one clip, in one row. The mean over the heads.
    """
    caught = _caught([cast(Block, block).attend for block in dit.blocks], forward)
    return torch.stack([_row(attend, x, turn, token) for attend, (x, turn, *_) in caught])


def of_words(dit: DiT, forward: Callable[[], Any]) -> Tensor:
    """How far each token reads each word, in every block: (blocks n m), a token's shares sum to 1. As `of_token`."""
    caught = _caught([cast(Block, block).read for block in dit.blocks], forward)
    return torch.stack([_table(read, x, keys) for read, (x, (keys, _), *_) in caught])


def _row(attend: SelfAttention, x: Tensor, turn: Rotation, token: int) -> Tensor:
    """x (1 n d) -> (n,)"""
    q, k, _ = rearrange(attend.qkv(x), "1 n (three h d) -> three 1 h n d", three=3, h=attend.heads)
    q, k = rotate(attend.norm_q(q), turn), rotate(attend.norm_k(k), turn)
    return _shares(q[:, :, token : token + 1], k)[0]


def _table(read: CrossAttention, x: Tensor, keys: Tensor) -> Tensor:
    """x (1 n d), keys (1 1 heads m d) -> (n m)"""
    q = read.norm_q(rearrange(read.q(x), "1 n (h d) -> 1 h n d", h=read.heads))
    return _shares(q, keys[:, 0])


def _shares(q: Tensor, k: Tensor) -> Tensor:
    """q (1 heads n d), k (1 heads m d) -> (n m): the mean over the heads of softmax(q k^T / sqrt(d))."""
    scores = (q.float() * q.shape[-1] ** -0.5) @ k.float().mT
    return rearrange(scores.softmax(dim=-1).mean(dim=1), "1 n m -> n m")  # type: ignore[no-any-return]


def _caught(modules: Iterable[nn.Module], forward: Callable[[], Any]) -> list[tuple[Any, tuple[Any, ...]]]:
    """What each of the modules was called with, in one forward."""
    caught: list[tuple[Any, tuple[Any, ...]]] = []
    with ExitStack() as hooks:
        for module in modules:
            handle = module.register_forward_pre_hook(lambda module, inputs: caught.append((module, inputs)))
            hooks.callback(handle.remove)
        forward()
    return caught
