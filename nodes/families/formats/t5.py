"""How files name T5's tensors, which several families read by, and what their shapes tell. No torch here."""

from typing import Any

from nodes.families.formats.layouts import Layout, Shapes, count
from nodes.families.formats.names import SAME

NAME = "T5"


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
)  # fmt: skip
