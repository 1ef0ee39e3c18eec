"""How files name T5's tensors, which several families read by, and what their shapes tell. No torch here."""

from typing import Any

from nodes.families.formats.layouts import Layout, Shapes, count
from nodes.families.formats.names import SAME, Names

NAME = "T5"
BLOCK = (
    ("attn_q", "layer.0.SelfAttention.q"),
    ("attn_k", "layer.0.SelfAttention.k"),
    ("attn_v", "layer.0.SelfAttention.v"),
    ("attn_o", "layer.0.SelfAttention.o"),
    ("attn_rel_b", "layer.0.SelfAttention.relative_attention_bias"),
    ("attn_norm", "layer.0.layer_norm"),
    ("ffn_gate", "layer.1.DenseReluDense.wi_0"),
    ("ffn_up", "layer.1.DenseReluDense.wi_1"),
    ("ffn_down", "layer.1.DenseReluDense.wo"),
    ("ffn_norm", "layer.1.layer_norm"),
)
GGUF = Names(
    (
        ("token_embd", "shared"),
        ("enc.output_norm", "encoder.final_layer_norm"),
        *((f"enc.blk.#.{theirs}", f"encoder.block.#.{ours}") for theirs, ours in BLOCK),
    )
)
"""llama.cpp's names (gguf-py gguf/tensor_mapping.py)."""


def text_config(shapes: Shapes) -> dict[str, Any]:
    """Of T5 and its kin, from version 1.1 on: with gates."""
    words, width = shapes["shared.weight"].shape
    buckets, heads = shapes["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"].shape
    return {
        "vocab_size": words,
        "d_model": width,
        "num_heads": heads,
        "d_kv": shapes["encoder.block.0.layer.0.SelfAttention.q.weight"].shape[0] // heads,
        "d_ff": shapes["encoder.block.0.layer.1.DenseReluDense.wi_0.weight"].shape[0],
        "num_layers": count(shapes, "encoder.block"),
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu",
    }


LAYOUTS = (
    Layout("text_encoder", ("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", "shared.weight",
                            "encoder.block.0.layer.1.DenseReluDense.wi_0.weight"), SAME, text_config),
    Layout("text_encoder", ("enc.blk.0.attn_rel_b.weight", "token_embd.weight", "enc.blk.0.ffn_gate.weight"),
           GGUF, text_config),
)  # fmt: skip
