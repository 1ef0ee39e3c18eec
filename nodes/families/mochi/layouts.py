"""How Mochi's files name its tensors, and what their shapes tell. No torch here.

Names: diffusers loaders/single_file_utils.py, convert_mochi_transformer_checkpoint_to_diffusers.
"""

from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Layout, Shapes, count
from nodes.families.formats.names import SAME, Names

BLOCK = (
    ("mod_x", "norm1.linear"),
    ("mod_y", "norm1_context.linear"),
    ("attn.qkv_x", "{attn1.to_q,attn1.to_k,attn1.to_v}"),
    ("attn.q_norm_x", "attn1.norm_q"),
    ("attn.k_norm_x", "attn1.norm_k"),
    ("attn.proj_x", "attn1.to_out.0"),
    ("attn.qkv_y", "{attn1.add_q_proj,attn1.add_k_proj,attn1.add_v_proj}"),
    ("attn.q_norm_y", "attn1.norm_added_q"),
    ("attn.k_norm_y", "attn1.norm_added_k"),
    ("attn.proj_y", "attn1.to_add_out"),
    ("mlp_x.w1", "ff.net.0.proj~"),
    ("mlp_x.w2", "ff.net.2"),
    ("mlp_y.w1", "ff_context.net.0.proj~"),
    ("mlp_y.w2", "ff_context.net.2"),
)
NAMES = Names(
    (
        # The last block makes nothing of the text any more.
        ("blocks.$.mod_y", "transformer_blocks.$.norm1_context.linear_1"),
        *((f"blocks.#.{theirs}", f"transformer_blocks.#.{ours}") for theirs, ours in BLOCK),
        ("x_embedder.proj", "patch_embed.proj"),
        ("t_embedder.mlp.0", "time_embed.timestep_embedder.linear_1"),
        ("t_embedder.mlp.2", "time_embed.timestep_embedder.linear_2"),
        ("t5_y_embedder", "time_embed.pooler"),
        ("t5_yproj", "time_embed.caption_proj"),
        ("final_layer.mod", "norm_out.linear~"),
        ("final_layer.linear", "proj_out"),
    )
)


def transformer_config(shapes: Shapes) -> dict[str, Any]:
    inner, channels, side, _ = shapes["patch_embed.proj.weight"].shape
    head = shapes["transformer_blocks.0.attn1.norm_q.weight"].shape[0]
    return {
        "patch_size": side,
        "num_attention_heads": inner // head,
        "attention_head_dim": head,
        "num_layers": count(shapes, "transformer_blocks"),
        "pooled_projection_dim": shapes["transformer_blocks.0.attn1.add_q_proj.weight"].shape[1],
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"].shape[0] // side**2,
        "text_embed_dim": shapes["time_embed.caption_proj.weight"].shape[1],
        "time_embed_dim": shapes["time_embed.timestep_embedder.linear_1.weight"].shape[1],
    }


LAYOUTS = (
    Layout("transformer", ("blocks.0.attn.qkv_x.weight", "t5_yproj.weight"), NAMES, transformer_config),
    Layout("transformer", ("transformer_blocks.0.attn1.add_q_proj.weight", "pos_frequencies"),
           SAME, transformer_config),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files."""
    dit = held["transformer"]
    return {
        "index": {"_class_name": "MochiPipeline"},
        "scheduler": {"invert_sigmas": True},
        "transformer": dit,
        "vae": {
            "latent_channels": dit["in_channels"], "temporal_expansions": [1, 2, 3], "spatial_expansions": [2, 2, 2],
        },
        "text_encoder": {"d_model": dit["text_embed_dim"]},
    }  # fmt: skip
