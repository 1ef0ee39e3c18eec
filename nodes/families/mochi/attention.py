"""Mochi's attention where all rows of the text are words: what hides padding waits for the device, and is left away."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


class WholeText:
    """In the place of diffusers' MochiAttnProcessor2_0, and equal to it: clips and their texts look at each other."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        q, k, v = (_heads(layer(hidden_states), attn) for layer in (attn.to_q, attn.to_k, attn.to_v))
        q, k = attn.norm_q(q), attn.norm_k(k)
        if image_rotary_emb is not None:
            q, k = _turned(q, *image_rotary_emb), _turned(k, *image_rotary_emb)
        read = (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj)
        text_q, text_k, text_v = (_heads(layer(encoder_hidden_states), attn) for layer in read)
        text_q, text_k = attn.norm_added_q(text_q), attn.norm_added_k(text_k)
        q, k, v = (_together(*pair) for pair in ((q, text_q), (k, text_k), (v, text_v)))
        seen = rearrange(scaled_dot_product_attention(q, k, v), "b h n d -> b n (h d)")
        clip, text = torch.split(seen, [hidden_states.shape[1], encoder_hidden_states.shape[1]], dim=1)
        return attn.to_out[1](attn.to_out[0](clip)), attn.to_add_out(text) if hasattr(attn, "to_add_out") else text


def _heads(rows: Tensor, attn: Any) -> Tensor:
    return rearrange(rows, "b n (h d) -> b n h d", h=attn.heads)


def _together(clip: Tensor, text: Tensor) -> Tensor:
    return rearrange(torch.cat([clip, text], dim=1), "b n h d -> b h n d")


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    turned = (even * cos - odd * sin).to(x.dtype), (even * sin + odd * cos).to(x.dtype)
    return torch.stack(turned, dim=-1).flatten(-2)
