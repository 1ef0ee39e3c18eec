"""How HunyuanVideo's files name its tensors, and what their shapes tell. No torch here.

Names: diffusers loaders/single_file_utils.py, convert_hunyuan_video_transformer_to_diffusers; ComfyUI
comfy/supported_models.py, HunyuanVideo.process_unet_state_dict.
"""

from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Layout, Shapes, causal_vae_config, count, vision_sizes
from nodes.families.formats.names import SAME, Names

LLAMA_HEAD, CLIP_HEAD = 128, 64
"""Widths of an attention head in the text encoders."""

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


GGUF = Names(
    (
        ("token_embd", "embed_tokens"),
        ("output_norm", "norm"),
        ("blk.#.attn_norm", "layers.#.input_layernorm"),
        ("blk.#.attn_q", f"layers.#.self_attn.q_proj@{LLAMA_HEAD}"),
        ("blk.#.attn_k", f"layers.#.self_attn.k_proj@{LLAMA_HEAD}"),
        ("blk.#.attn_v", "layers.#.self_attn.v_proj"),
        ("blk.#.attn_output", "layers.#.self_attn.o_proj"),
        ("blk.#.ffn_norm", "layers.#.post_attention_layernorm"),
        ("blk.#.ffn_gate", "layers.#.mlp.gate_proj"),
        ("blk.#.ffn_up", "layers.#.mlp.up_proj"),
        ("blk.#.ffn_down", "layers.#.mlp.down_proj"),
    )
)
"""llama.cpp's names (gguf-py gguf/tensor_mapping.py), and its order of rows (conversion of LLaMA, permute)."""
VISION = Names((("^.vision_model", "^.vision_tower"),))


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


def _is_hunyuan(name: str, tensors: Shapes) -> bool:
    """Whether a DiT is not FramePack's, which looks at what was made before by layers of its own."""
    return not any(one.endswith("clean_x_embedder.proj.weight") for one in tensors)


def told_by_name(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """That an image stands in for tokens: in shapes such a DiT is as the one for text, and its makers' name says it."""
    replaces = "replace" in name and config["image_condition_type"] is None
    return {"image_condition_type": "token_replace"} if replaces else {}


def vae_config(shapes: Shapes) -> dict[str, Any]:
    return causal_vae_config(shapes, "HunyuanVideo") | {"spatial_compression_ratio": 8, "temporal_compression_ratio": 4}


def text_config(shapes: Shapes) -> dict[str, Any]:
    """Of LLaMA 3, whose settings the shapes do not tell."""
    words, width = shapes["embed_tokens.weight"].shape
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": shapes["layers.0.mlp.gate_proj.weight"].shape[0],
        "num_hidden_layers": count(shapes, "layers"),
        "num_attention_heads": shapes["layers.0.self_attn.q_proj.weight"].shape[0] // LLAMA_HEAD,
        "num_key_value_heads": shapes["layers.0.self_attn.k_proj.weight"].shape[0] // LLAMA_HEAD,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0,
    }


def clip_config(shapes: Shapes) -> dict[str, Any]:
    """Of CLIP ViT-L's text model."""
    words, width = shapes["embeddings.token_embedding.weight"].shape
    if width % CLIP_HEAD:
        raise ValueError(f"its width of {width} is no multiple of {CLIP_HEAD}, as CLIP ViT-L's is")
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": count(shapes, "encoder.layers"),
        "num_attention_heads": width // CLIP_HEAD,
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"].shape[0],
        "hidden_act": "quick_gelu",
        "eos_token_id": words - 1,
    }


def vision_config(shapes: Shapes) -> dict[str, Any]:
    """Of LLaVA's eyes, a CLIP ViT-L, and of what makes rows for LLaMA of what they see."""
    sizes = vision_sizes(shapes, CLIP_HEAD, "CLIP ViT-L's is", below="vision_tower.")
    return {
        "vision_config": {"model_type": "clip_vision_model", **sizes},
        "text_config": {
            "model_type": "llama",
            "hidden_size": shapes["multi_modal_projector.linear_2.weight"].shape[0],
        },
    }


LAYOUTS = (
    Layout("transformer", (f"txt_in.{REFINED}.0.self_attn_qkv.weight", "double_blocks.0.img_attn_qkv.weight"),
           NAMES, transformer_config, named=told_by_name, own=_is_hunyuan),
    Layout("transformer", (f"txt_in.{REFINED}.0.self_attn.qkv.weight", "double_blocks.0.img_attn.qkv.weight"),
           COMFY_NAMES, transformer_config, named=told_by_name, own=_is_hunyuan),
    Layout("transformer", (f"context_embedder.{REFINES}.0.attn.to_q.weight",
                           "single_transformer_blocks.0.attn.to_q.weight"),
           SAME, transformer_config, named=told_by_name, own=_is_hunyuan),
    # The makers' VAE has diffusers' names already.
    Layout("vae", ("decoder.up_blocks.0.resnets.0.conv1.conv.weight", "quant_conv.weight",
                   "decoder.mid_block.attentions.0.group_norm.weight"), SAME, vae_config),
    Layout("text_encoder", ("layers.0.self_attn.q_proj.weight", "layers.0.post_attention_layernorm.weight",
                            "embed_tokens.weight"), SAME, text_config),
    Layout("text_encoder", ("blk.0.attn_q.weight", "blk.0.ffn_gate.weight", "blk.0.attn_output.weight",
                            "token_embd.weight"), GGUF, text_config, (".output.weight",)),
    Layout("text_encoder_2", ("embeddings.token_embedding.weight", "encoder.layers.0.self_attn.q_proj.weight",
                              "final_layer_norm.weight"), SAME, clip_config, ("position_ids",)),
    Layout("image_encoder", ("vision_model.embeddings.class_embedding", "multi_modal_projector.linear_1.weight"),
           VISION, vision_config, ("position_ids", "visual_projection.weight")),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files."""
    vae = held.get("vae") or {"latent_channels": 16, "spatial_compression_ratio": 8, "temporal_compression_ratio": 4}
    text = held.get("text_encoder") or {"hidden_size": 4096}
    dit = held.get("transformer")
    if dit:
        vae, text = vae | {"latent_channels": dit["out_channels"]}, {"hidden_size": dit["text_embed_dim"]}
    else:
        channels = vae["latent_channels"]
        dit = {"in_channels": channels, "out_channels": channels, "patch_size": 2, "patch_size_t": 1,
               "text_embed_dim": text["hidden_size"]}  # fmt: skip
    told = dit.get("image_condition_type")
    return {
        "index": {"_class_name": "HunyuanVideoImageToVideoPipeline" if told else "HunyuanVideoPipeline"},
        "scheduler": {"shift": 7.0},
        "transformer": dit,
        "vae": vae,
        "text_encoder": text,
        "text_encoder_2": held.get("text_encoder_2", {}),
        "image_encoder": held.get("image_encoder", {}),
    }
