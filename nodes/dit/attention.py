"""Attention, by whichever of torch's ways is the quicker."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q (b heads n d), k and v (b heads m d); mask bool, true where to look, or None.

    In training on a CPU by plain products: there the fused kernel's backward pass took nearly half of a whole step
    (394 of 904 ms, 24 clips of 80 tokens, torch 2.13). Everywhere else by the fused kernel.
    """
    if q.device.type != "cpu" or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v, mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return torch.matmul(scores.softmax(dim=-1, dtype=v.dtype), v)
