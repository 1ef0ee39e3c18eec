"""How Mochi's files name its tensors, and what their shapes tell. No torch here.

Names: diffusers loaders/single_file_utils.py, convert_mochi_transformer_checkpoint_to_diffusers, and for the VAE
scripts/convert_mochi_to_diffusers.py. The makers keep encoder and decoder in a file each, ComfyUI in one.
"""

from collections.abc import Iterator
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

LAYERS = (3, 3, 4, 6, 3)
"""Of the VAE, at each width; the makers count through them."""


def _encoder() -> Iterator[tuple[str, str]]:
    """(makers' name, diffusers') of the blocks and layers of the VAE's encoder."""
    first, *middle, last = LAYERS
    yield "^.encoder.layers.0", "^.encoder.proj_in"
    for layer in range(first):
        yield f"^.encoder.layers.{layer + 1}", f"^.encoder.block_in.resnets.{layer}"
    for block, layers in enumerate(middle):
        theirs, ours = f"^.encoder.layers.{block + first + 1}", f"^.encoder.down_blocks.{block}"
        yield f"{theirs}.layers.0", f"{ours}.conv_in.conv"
        for layer in range(layers):
            yield from _with_attention(f"{theirs}.layers.{layer + 1}", ours, layer)
    for layer in range(last):
        yield from _with_attention(f"^.encoder.layers.{layer + first + len(middle) + 1}", "^.encoder.block_out", layer)
    yield "^.encoder.output_norm", "^.encoder.norm_out.norm_layer"
    yield "^.encoder.output_proj", "^.encoder.proj_out"


def _with_attention(theirs: str, ours: str, layer: int) -> Iterator[tuple[str, str]]:
    attention = f"{ours}.attentions.{layer}"
    yield f"{theirs}.attn_block.attn.qkv", f"{attention}.{{to_q,to_k,to_v}}"
    yield f"{theirs}.attn_block.attn.out", f"{attention}.to_out.0"
    yield f"{theirs}.attn_block.norm", f"{ours}.norms.{layer}.norm_layer"
    yield theirs, f"{ours}.resnets.{layer}"


def _decoder() -> Iterator[tuple[str, str]]:
    """Its decoder's, which goes back through the widths."""
    last, *middle, first = LAYERS
    yield "^.decoder.blocks.0.0", "^.decoder.conv_in"
    for layer in range(first):
        yield f"^.decoder.blocks.0.{layer + 1}", f"^.decoder.block_in.resnets.{layer}"
    for block in range(len(middle)):
        theirs, ours = f"^.decoder.blocks.{block + 1}", f"^.decoder.up_blocks.{block}"
        yield f"{theirs}.proj", f"{ours}.proj"
        yield f"{theirs}.blocks", f"{ours}.resnets"
    for layer in range(last):
        yield f"^.decoder.blocks.{len(middle) + 1}.{layer}", f"^.decoder.block_out.resnets.{layer}"
    yield "^.decoder.output_proj", "^.decoder.proj_out"


STACK = (
    ("stack.0", "norm1.norm_layer"),
    ("stack.2", "conv1.conv"),
    ("stack.3", "norm2.norm_layer"),
    ("stack.5", "conv2.conv"),
)
VAE = Names((*_encoder(), *_decoder(), *STACK))
ENCODER, DECODER = (
    Names((*((theirs.replace(f"^.{half}.", "^."), ours) for theirs, ours in pairs), *STACK))
    for half, pairs in (("encoder", _encoder()), ("decoder", _decoder()))
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


def vae_config(shapes: Shapes) -> dict[str, Any]:
    """The makers' figures for the latents' mean and spread are diffusers' defaults."""
    both = decoder_config(shapes) | encoder_config(shapes)
    return {name: value for name, value in both.items() if name != "half"}


def encoder_config(shapes: Shapes) -> dict[str, Any]:
    down = [f"encoder.down_blocks.{number}" for number in range(count(shapes, "encoder.down_blocks"))]
    steps = [shapes[f"{block}.conv_in.conv.weight"].shape for block in down]
    ends = ["encoder.block_in", *down, "encoder.block_out"]
    return {
        "half": "encoder",
        "in_channels": shapes["encoder.proj_in.weight"].shape[1],
        "latent_channels": shapes["encoder.proj_out.weight"].shape[0] // 2,
        "encoder_block_out_channels": [shapes["encoder.proj_in.weight"].shape[0], *(step[0] for step in steps)],
        "layers_per_block": [count(shapes, f"{end}.resnets") for end in ends],
        "temporal_expansions": [step[2] for step in steps],
        "spatial_expansions": [step[3] for step in steps],
        "add_attention_block": [f"{end}.attentions.0.to_q.weight" in shapes for end in ends],
    }


def decoder_config(shapes: Shapes) -> dict[str, Any]:
    """Each step of its doubles a frame's sides, as the makers' does; in time it is what its shapes leave."""
    up = [f"decoder.up_blocks.{number}" for number in range(count(shapes, "decoder.up_blocks"))]
    ends = ["decoder.block_in", *up, "decoder.block_out"]
    first, last = (shapes[f"{end}.resnets.0.conv1.conv.weight"].shape[0] for end in (ends[0], ends[-1]))
    widths = [first, *(shapes[f"{block}.resnets.0.conv1.conv.weight"].shape[0] for block in up[1:]), last]
    grown = [shapes[f"{block}.proj.weight"].shape[0] // out for block, out in zip(up, widths[1:], strict=True)]
    return {
        "half": "decoder",
        "out_channels": shapes["decoder.proj_out.weight"].shape[0],
        "latent_channels": shapes["decoder.conv_in.weight"].shape[1],
        "decoder_block_out_channels": widths[::-1],
        "layers_per_block": [count(shapes, f"{end}.resnets") for end in ends][::-1],
        "temporal_expansions": [each // 4 for each in grown][::-1],
        "spatial_expansions": [2] * len(up),
    }


LAYOUTS = (
    Layout("transformer", ("blocks.0.attn.qkv_x.weight", "t5_yproj.weight"), NAMES, transformer_config),
    Layout("transformer", ("transformer_blocks.0.attn1.add_q_proj.weight", "pos_frequencies"),
           SAME, transformer_config),
    Layout("vae", ("encoder.layers.4.layers.1.attn_block.attn.qkv.weight", "decoder.blocks.2.blocks.3.stack.5.weight"),
           VAE, vae_config),
    Layout("vae", ("blocks.2.blocks.3.stack.5.weight", "blocks.0.0.weight", "output_proj.weight"),
           DECODER, decoder_config),
    Layout("vae", ("layers.4.layers.1.attn_block.attn.qkv.weight", "layers.0.weight", "output_norm.weight"),
           ENCODER, encoder_config),
    Layout("vae", ("encoder.down_blocks.0.norms.0.norm_layer.weight", "decoder.block_in.resnets.0.conv1.conv.weight"),
           SAME, vae_config),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files."""
    vae = held.get("vae") or {"latent_channels": 12, "temporal_expansions": [1, 2, 3], "spatial_expansions": [2, 2, 2]}
    dit = held.get("transformer") or {
        "patch_size": 2, "in_channels": vae["latent_channels"], "text_embed_dim": 4096,
    }  # fmt: skip
    return {
        "index": {"_class_name": "MochiPipeline"},
        "scheduler": {"invert_sigmas": True},
        "transformer": dit,
        "vae": vae | {"latent_channels": dit["in_channels"]},
        "text_encoder": {"d_model": dit["text_embed_dim"]},
    }
