"""How HunyuanVideo's files name its tensors, and what their shapes tell. No torch here.

Names: diffusers loaders/single_file_utils.py, convert_hunyuan_video_transformer_to_diffusers; ComfyUI
comfy/supported_models.py, HunyuanVideo.process_unet_state_dict.
"""

from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Layout, Shapes, count
from nodes.families.formats.names import SAME, Names

DOUBLE = (
    ("img_mod.linear", "norm1.linear"),
    ("img_attn_qkv", "{attn.to_q,attn.to_k,attn.to_v}"),
    ("img_attn_q_norm.weight", "attn.norm_q.weight"),
    ("img_attn_k_norm.weight", "attn.norm_k.weight"),
    ("img_attn_proj", "attn.to_out.0"),
    ("img_mlp.fc1", "ff.net.0.proj"),
    ("img_mlp.fc2", "ff.net.2"),
    ("txt_mod.linear", "norm1_context.linear"),
    ("txt_attn_qkv", "{attn.add_q_proj,attn.add_k_proj,attn.add_v_proj}"),
    ("txt_attn_q_norm.weight", "attn.norm_added_q.weight"),
    ("txt_attn_k_norm.weight", "attn.norm_added_k.weight"),
    ("txt_attn_proj", "attn.to_add_out"),
    ("txt_mlp.fc1", "ff_context.net.0.proj"),
    ("txt_mlp.fc2", "ff_context.net.2"),
)
SINGLE = (
    ("modulation.linear", "norm.linear"),
    ("linear1", "{attn.to_q,attn.to_k,attn.to_v,proj_mlp:4}"),
    ("q_norm.weight", "attn.norm_q.weight"),
    ("k_norm.weight", "attn.norm_k.weight"),
    ("linear2", "proj_out"),
)
REFINER = (
    ("self_attn_qkv", "{attn.to_q,attn.to_k,attn.to_v}"),
    ("self_attn_proj", "attn.to_out.0"),
    ("adaLN_modulation.1", "norm_out.linear"),
    ("mlp.fc1", "ff.net.0.proj"),
    ("mlp.fc2", "ff.net.2"),
    ("norm1", "norm1"),
    ("norm2", "norm2"),
)
REFINED, REFINES = "individual_token_refiner.blocks", "token_refiner.refiner_blocks"
AROUND = (
    ("img_in", "x_embedder"),
    ("time_in.mlp.0", "time_text_embed.timestep_embedder.linear_1"),
    ("time_in.mlp.2", "time_text_embed.timestep_embedder.linear_2"),
    ("guidance_in.mlp.0", "time_text_embed.guidance_embedder.linear_1"),
    ("guidance_in.mlp.2", "time_text_embed.guidance_embedder.linear_2"),
    ("vector_in.in_layer", "time_text_embed.text_embedder.linear_1"),
    ("vector_in.out_layer", "time_text_embed.text_embedder.linear_2"),
    ("txt_in.input_embedder", "context_embedder.proj_in"),
    ("txt_in.t_embedder.mlp.0", "context_embedder.time_text_embed.timestep_embedder.linear_1"),
    ("txt_in.t_embedder.mlp.2", "context_embedder.time_text_embed.timestep_embedder.linear_2"),
    ("txt_in.c_embedder.linear_1", "context_embedder.time_text_embed.text_embedder.linear_1"),
    ("txt_in.c_embedder.linear_2", "context_embedder.time_text_embed.text_embedder.linear_2"),
    ("final_layer.linear", "proj_out"),
    ("final_layer.adaLN_modulation.1", "norm_out.linear~"),
)
NAMES = Names(
    (
        *((f"^.{theirs}", f"^.{ours}") for theirs, ours in AROUND),
        *((f"double_blocks.#.{theirs}", f"transformer_blocks.#.{ours}") for theirs, ours in DOUBLE),
        *((f"single_blocks.#.{theirs}", f"single_transformer_blocks.#.{ours}") for theirs, ours in SINGLE),
        *(
            (
                f"txt_in.individual_token_refiner.blocks.#.{theirs}",
                f"context_embedder.token_refiner.refiner_blocks.#.{ours}",
            )
            for theirs, ours in REFINER
        ),
    )
)
COMFY = (
    ("_attn_qkv", "_attn.qkv"),
    ("_attn_proj", "_attn.proj"),
    ("_attn_q_norm.weight", "_attn.norm.query_norm.scale"),
    ("_attn_k_norm.weight", "_attn.norm.key_norm.scale"),
    (".q_norm.weight", ".norm.query_norm.scale"),
    (".k_norm.weight", ".norm.key_norm.scale"),
    ("mlp.fc1", "mlp.0"),
    ("mlp.fc2", "mlp.2"),
    ("_mod.linear", "_mod.lin"),
    ("modulation.linear", "modulation.lin"),
    ("c_embedder.linear_1", "c_embedder.in_layer"),
    ("c_embedder.linear_2", "c_embedder.out_layer"),
    ("_in.mlp.0", "_in.in_layer"),
    ("_in.mlp.2", "_in.out_layer"),
    ("t_embedder.mlp.0", "t_embedder.in_layer"),
    ("t_embedder.mlp.2", "t_embedder.out_layer"),
)
"""What ComfyUI calls parts of the makers' names."""


def _comfy(name: str) -> str:
    for theirs, other in COMFY:
        name = name.replace(theirs, other)
    return name


COMFY_NAMES = Names(tuple((_comfy(theirs), ours) for theirs, ours in NAMES.pairs))


def transformer_config(shapes: Shapes) -> dict[str, Any]:
    inner, channels, depth, side, _ = shapes["x_embedder.proj.weight"].shape
    head = shapes["transformer_blocks.0.attn.norm_q.weight"].shape[0]
    out = shapes["proj_out.weight"].shape[0] // (depth * side**2)
    return {
        "in_channels": channels,
        "out_channels": out,
        "num_attention_heads": inner // head,
        "attention_head_dim": head,
        "num_layers": count(shapes, "transformer_blocks"),
        "num_single_layers": count(shapes, "single_transformer_blocks"),
        "num_refiner_layers": count(shapes, f"context_embedder.{REFINES}"),
        "mlp_ratio": shapes["transformer_blocks.0.ff.net.0.proj.weight"].shape[0] / inner,
        "patch_size": side,
        "patch_size_t": depth,
        "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in shapes,
        "text_embed_dim": shapes["context_embedder.proj_in.weight"].shape[1],
        "pooled_projection_dim": shapes["time_text_embed.text_embedder.linear_1.weight"].shape[1],
        "image_condition_type": "latent_concat" if channels > out else None,
    }


LAYOUTS = (
    Layout("transformer", (f"txt_in.{REFINED}.0.self_attn_qkv.weight", "double_blocks.0.img_attn_qkv.weight"),
           NAMES, transformer_config),
    Layout("transformer", (f"txt_in.{REFINED}.0.self_attn.qkv.weight", "double_blocks.0.img_attn.qkv.weight"),
           COMFY_NAMES, transformer_config),
    Layout("transformer", (f"context_embedder.{REFINES}.0.attn.to_q.weight",
                           "single_transformer_blocks.0.attn.to_q.weight"), SAME, transformer_config),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files."""
    dit = held["transformer"]
    told = dit["in_channels"] > dit["out_channels"]
    return {
        "index": {"_class_name": "HunyuanVideoImageToVideoPipeline" if told else "HunyuanVideoPipeline"},
        "scheduler": {"shift": 7.0},
        "transformer": dit,
        "vae": {
            "latent_channels": dit["out_channels"], "spatial_compression_ratio": 8, "temporal_compression_ratio": 4,
        },
        "text_encoder": {"hidden_size": dit["text_embed_dim"]},
    }  # fmt: skip
