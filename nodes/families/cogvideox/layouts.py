"""How CogVideoX's files name its tensors, and what their shapes tell. No torch here.

Files that people have are in diffusers' own layout. Settings: diffusers scripts/convert_cogvideox_to_diffusers.py, and
the makers' folders of each version.
"""

from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Layout, Shapes, causal_vae_config, count
from nodes.families.formats.names import SAME

LAYERS_OF_2B = 30
"""Only the 2B adds sines to its tokens; all others turn them."""


def transformer_config(shapes: Shapes) -> dict[str, Any]:
    inner, head = shapes["proj_out.weight"].shape[1], shapes["transformer_blocks.0.attn1.norm_q.weight"].shape[0]
    patches, out = shapes["patch_embed.proj.weight"].shape, shapes["proj_out.weight"].shape[0]
    later, layers = len(patches) == 2, count(shapes, "transformer_blocks")
    cells = 8 if later else 4
    told = patches[1] // (cells if later else 1) > out // cells
    ofs = "ofs_embedding.linear_1.weight"
    return {
        "num_attention_heads": inner // head,
        "attention_head_dim": head,
        "in_channels": patches[1] // cells if later else patches[1],
        "out_channels": out // cells,
        "time_embed_dim": shapes["time_embedding.linear_1.weight"].shape[0],
        "ofs_embed_dim": shapes[ofs].shape[1] if ofs in shapes else None,
        "text_embed_dim": shapes["patch_embed.text_proj.weight"].shape[1],
        "num_layers": layers,
        "patch_size": 2,
        "patch_size_t": 2 if later else None,
        "patch_bias": not later and "patch_embed.proj.bias" in shapes,
        "sample_frames": 81 if later else 49,
        "sample_height": 60 if not later else 300 if told else 96,
        "sample_width": 90 if not later else 300 if told else 170,
        "max_text_seq_length": 226,
        "use_rotary_positional_embeddings": later or layers != LAYERS_OF_2B,
        "use_learned_positional_embeddings": "patch_embed.pos_embedding" in shapes,
    }


def vae_config(shapes: Shapes) -> dict[str, Any]:
    """All but the scale of the latents, which is another for each size."""
    return causal_vae_config(shapes, "CogVideoX") | {"temporal_compression_ratio": 4}


LAYOUTS = (
    Layout("transformer", ("transformer_blocks.0.norm1.linear.weight", "patch_embed.text_proj.weight",
                           "transformer_blocks.0.attn1.norm_q.weight"), SAME, transformer_config),
    Layout("vae", ("decoder.mid_block.resnets.0.norm1.norm_layer.weight", "encoder.conv_in.conv.weight"),
           SAME, vae_config),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files."""
    vae = held.get("vae") or {
        "latent_channels": 16, "temporal_compression_ratio": 4, "block_out_channels": [128, 256, 256, 512],
    }  # fmt: skip
    dit = held.get("transformer") or {
        "in_channels": vae["latent_channels"], "out_channels": vae["latent_channels"], "patch_size": 2,
        "patch_size_t": None, "max_text_seq_length": 226, "use_rotary_positional_embeddings": True,
        "text_embed_dim": 4096,
    }  # fmt: skip
    told, small = dit["in_channels"] > dit["out_channels"], not dit["use_rotary_positional_embeddings"]
    return {
        "index": {"_class_name": "CogVideoXImageToVideoPipeline" if told else "CogVideoXPipeline"},
        "scheduler": {
            "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
            "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False,
            "snr_shift_scale": 3.0 if small else 1.0,
        },
        "transformer": dit,
        "vae": vae | {
            "latent_channels": dit["out_channels"], "scaling_factor": 1.15258426 if small else 0.7,
            "invert_scale_latents": told and dit["patch_size_t"] is not None,
        },
        "text_encoder": {"d_model": dit["text_embed_dim"]},
    }  # fmt: skip
