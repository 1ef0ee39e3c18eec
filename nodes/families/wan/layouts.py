"""How Wan's files name its tensors, and what their shapes tell. No torch here.

Names: diffusers loaders/single_file_utils.py and scripts/convert_wan_to_diffusers.py.
"""

from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Layout, Shapes, count, vision_sizes
from nodes.families.formats.names import SAME, Names
from nodes.families.formats.t5 import GGUF, text_config
from nodes.families.wan.vae_sizes import VAES

HEAD = 128
"""Width of an attention head in every Wan DiT: the shapes do not tell it."""
IMAGE_HEAD = 80
"""Width of an attention head in the image encoder."""

NAMES = Names(
    (
        ("time_embedding.0", "condition_embedder.time_embedder.linear_1"),
        ("time_embedding.2", "condition_embedder.time_embedder.linear_2"),
        ("text_embedding.0", "condition_embedder.text_embedder.linear_1"),
        ("text_embedding.2", "condition_embedder.text_embedder.linear_2"),
        ("time_projection.1", "condition_embedder.time_proj"),
        ("img_emb.proj.0", "condition_embedder.image_embedder.norm1"),
        ("img_emb.proj.1", "condition_embedder.image_embedder.ff.net.0.proj"),
        ("img_emb.proj.3", "condition_embedder.image_embedder.ff.net.2"),
        ("img_emb.proj.4", "condition_embedder.image_embedder.norm2"),
        ("img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed"),
        ("head.modulation", "scale_shift_table"),
        ("modulation", "scale_shift_table"),
        ("head.head", "proj_out"),
        ("fps_projection.0", "fps_projection.net.0.proj"),
        ("fps_projection.2", "fps_projection.net.2"),
        ("cross_attn.k_img", "attn2.add_k_proj"),
        ("cross_attn.v_img", "attn2.add_v_proj"),
        ("cross_attn.norm_k_img", "attn2.norm_added_k"),
        ("self_attn", "attn1"),
        ("cross_attn", "attn2"),
        ("q", "to_q"),
        ("k", "to_k"),
        ("v", "to_v"),
        ("o", "to_out.0"),
        ("ffn.0", "ffn.net.0.proj"),
        ("ffn.2", "ffn.net.2"),
        ("vace_blocks.#.before_proj", "vace_blocks.#.proj_in"),
        ("vace_blocks.#.after_proj", "vace_blocks.#.proj_out"),
    ),
    swapped=("norm2", "norm3"),
)
T5 = Names(
    (
        ("token_embedding", "shared"),
        ("ffn.gate.0", "layer.1.DenseReluDense.wi_0"),
        ("ffn.fc1", "layer.1.DenseReluDense.wi_1"),
        ("ffn.fc2", "layer.1.DenseReluDense.wo"),
        ("attn", "layer.0.SelfAttention"),
        ("pos_embedding.embedding", "layer.0.SelfAttention.relative_attention_bias"),
        ("norm1", "layer.0.layer_norm"),
        ("norm2", "layer.1.layer_norm"),
        ("norm", "encoder.final_layer_norm"),
        ("blocks", "encoder.block"),
    )
)
VAE = Names(
    (
        ("^.conv1", "^.quant_conv"),
        ("^.conv2", "^.post_quant_conv"),
        ("encoder.conv1", "encoder.conv_in"),
        ("decoder.conv1", "decoder.conv_in"),
        ("head.0", "norm_out"),
        ("head.2", "conv_out"),
        ("middle.0", "mid_block.resnets.0"),
        ("middle.1", "mid_block.attentions.0"),
        ("middle.2", "mid_block.resnets.1"),
        ("residual.0", "norm1"),
        ("residual.2", "conv1"),
        ("residual.3", "norm2"),
        ("residual.6", "conv2"),
        ("shortcut", "conv_shortcut"),
        # Wan 2.2: blocks within blocks, the last of which changes the size.
        ("downsamples.#.downsamples.2.resample", "down_blocks.#.downsampler.resample"),
        ("downsamples.#.downsamples.2.time_conv", "down_blocks.#.downsampler.time_conv"),
        ("downsamples.#.downsamples", "down_blocks.#.resnets"),
        ("upsamples.#.upsamples.3", "up_blocks.#.upsampler"),
        ("upsamples.#.upsamples", "up_blocks.#.resnets"),
        # Wan 2.1: blocks in a row; the decoder's are three and one that changes the size, a stage.
        ("downsamples", "down_blocks"),
        *((f"upsamples.{4 * stage + 3}", f"up_blocks.{stage}.upsamplers.0") for stage in range(4)),
        *((f"upsamples.{4 * stage + n}", f"up_blocks.{stage}.resnets.{n}") for stage in range(4) for n in range(3)),
    )
)


def is_skyreels(name: str, tensors: Shapes) -> bool:
    """Whether a DiT is SkyReels-V2's: some are told the fps; others have Wan's shapes, and the file's name says it."""
    told = any(one.endswith("fps_embedding.weight") for one in tensors)
    return told or ("skyreels" in name and not any("vace_blocks." in one for one in tensors))


def _is_wan(name: str, tensors: Shapes) -> bool:
    return not is_skyreels(name, tensors)


def transformer_config(shapes: Shapes) -> dict[str, Any]:
    inner, channels, *patch = shapes["patch_embedding.weight"].shape
    pt, ph, pw = patch
    if inner % HEAD:
        raise ValueError(f"its width of {inner} is no multiple of {HEAD}")
    embedder, first = "condition_embedder", "blocks.0"
    images, places = f"{embedder}.image_embedder.norm1.weight", f"{embedder}.image_embedder.pos_embed"
    layers, told = count(shapes, "blocks"), count(shapes, "vace_blocks")
    masked = (
        {
            "vace_layers": list(range(0, layers, layers // told)),
            "vace_in_channels": shapes["vace_patch_embedding.weight"].shape[1],
        }
        if told
        else {}
    )
    return {
        "patch_size": [pt, ph, pw],
        "num_attention_heads": inner // HEAD,
        "attention_head_dim": HEAD,
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"].shape[0] // (pt * ph * pw),
        "text_dim": shapes[f"{embedder}.text_embedder.linear_1.weight"].shape[1],
        "freq_dim": shapes[f"{embedder}.time_embedder.linear_1.weight"].shape[1],
        "ffn_dim": shapes[f"{first}.ffn.net.0.proj.weight"].shape[0],
        "num_layers": layers,
        "cross_attn_norm": f"{first}.norm2.weight" in shapes,
        "image_dim": shapes[images].shape[0] if images in shapes else None,
        "added_kv_proj_dim": inner if f"{first}.attn2.add_k_proj.weight" in shapes else None,
        "pos_embed_seq_len": shapes[places].shape[1] if places in shapes else None,
    } | masked


def vae_config(shapes: Shapes) -> dict[str, Any]:
    width, pixels = shapes["encoder.conv_in.weight"].shape[:2]
    channels = shapes["post_quant_conv.weight"].shape[0]
    if channels not in VAES:
        raise ValueError(f"its latents have {channels} channels, and Wan's have {' or '.join(map(str, VAES))}")
    out = shapes["decoder.conv_out.weight"].shape[0]
    top = shapes["decoder.norm_out.gamma"].shape[0]
    return VAES[channels] | {"base_dim": width, "decoder_base_dim": top, "in_channels": pixels, "out_channels": out}


def image_config(shapes: Shapes) -> dict[str, Any]:
    """The only CLIP that Wan goes with is ViT-H."""
    sizes = vision_sizes(shapes, IMAGE_HEAD, "CLIP ViT-H's is, which Wan needs")
    return sizes | {"hidden_act": "gelu"}


LAYOUTS = (
    Layout("transformer", ("blocks.0.self_attn.q.weight", "patch_embedding.weight", "text_embedding.0.weight"),
           NAMES, transformer_config, own=_is_wan),
    Layout("transformer", ("blocks.0.attn1.to_q.weight", "patch_embedding.weight", "proj_out.weight"),
           SAME, transformer_config, own=_is_wan),
    Layout("vae", ("decoder.middle.0.residual.0.gamma", "encoder.conv1.weight", "conv2.weight"), VAE, vae_config),
    Layout("vae", ("decoder.mid_block.resnets.0.norm1.gamma", "post_quant_conv.weight"), SAME, vae_config),
    Layout("text_encoder", ("encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight", "shared.weight"),
           SAME, text_config),
    Layout("text_encoder", ("blocks.1.pos_embedding.embedding.weight", "token_embedding.weight"), T5, text_config),
    Layout("text_encoder", ("enc.blk.1.attn_rel_b.weight", "token_embd.weight"), GGUF, text_config),
    Layout("image_encoder", ("embeddings.class_embedding", "pre_layrnorm.weight",
                             "encoder.layers.0.self_attn.q_proj.weight"), SAME, image_config, ("position_ids",)),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files: what these leave open is Wan's own.

    The noise schedules are the makers' (Wan2.2 wan/configs): a shift of 3 for Wan 2.1, of 5 for TI2V-5B.
    """
    dit = held.get("transformer", {})
    channels = dit.get("out_channels") or held.get("vae", {}).get("z_dim", 16)
    told = dit.get("in_channels", channels) > channels
    text, looks = {"d_model": dit.get("text_dim", 4096)}, held.get("image_encoder", {})
    side = looks.get("image_size", 224)
    return {
        "index": {
            "_class_name": "WanImageToVideoPipeline" if told else "WanPipeline",
            "boundary_ratio": 0.9 if told else 0.875,
            "expand_timesteps": channels == 48 and not told,
        },
        "scheduler": {"flow_shift": 5.0 if channels == 48 else 3.0},
        "transformer": {"patch_size": [1, 2, 2], "in_channels": channels, "out_channels": channels, **dit},
        "vae": held.get("vae") or VAES[channels],
        "text_encoder": held.get("text_encoder") or text,
        "image_encoder": looks,
        "image_processor": {"size": {"shortest_edge": side}, "crop_size": side},
    }
