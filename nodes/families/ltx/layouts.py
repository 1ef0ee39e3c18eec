"""How LTX-Video's files name its tensors, and what their shapes tell. No torch here.

Names and settings: diffusers loaders/single_file_utils.py and scripts/convert_ltx_to_diffusers.py. The makers' files
hold the transformer and the VAE together.
"""

import re
from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Layout, Shapes, count
from nodes.families.formats.names import SAME, Names

HEADS = 32
"""Of every LTX transformer: the shapes do not tell it."""
LARGE = 4096
"""Width of the 13B model, which came after version 0.9.5."""
PATCH = 4
"""Side of what the VAE takes for one pixel of more channels."""
LATENT = 128
OLD = re.compile(r"0\.9(\.[0-4])?(?![\d.]*\d)")
"""In the name of a file: a version before 0.9.5."""
SHIFTED = {
    "use_dynamic_shifting": True, "base_shift": 0.95, "max_shift": 2.05, "base_image_seq_len": 1024,
    "max_image_seq_len": 4096, "shift_terminal": 0.1,
}  # fmt: skip

NAMES = Names(
    (
        ("patchify_proj", "proj_in"),
        ("adaln_single", "time_embed"),
        ("q_norm", "norm_q"),
        ("k_norm", "norm_k"),
    )
)


def _vae(encoder: tuple[str, ...], decoder: tuple[str, ...]) -> Names:
    """encoder, decoder: what the blocks are that the makers count through. What is within a block comes after it."""
    down = [(f"encoder.down_blocks.{n}", f"encoder.{ours}") for n, ours in enumerate(encoder)]
    up = [(f"decoder.up_blocks.{n}", f"decoder.{ours}") for n, ours in enumerate(decoder)]
    return Names(
        (
            *sorted(down, key=lambda pair: pair[1]),
            *sorted(up, key=lambda pair: pair[1]),
            ("conv_shortcut", "conv_shortcut.conv"),
            ("res_blocks", "resnets"),
            ("norm3.norm", "norm3"),
            ("decoder.last_time_embedder", "decoder.time_embedder"),
            ("decoder.last_scale_shift_table", "decoder.scale_shift_table"),
            ("per_channel_statistics.mean-of-means", "latents_mean"),
            ("per_channel_statistics.std-of-means", "latents_std"),
        )
    )


DOWN = (
    "down_blocks.0", "down_blocks.0.downsamplers.0", "down_blocks.0.conv_out", "down_blocks.1",
    "down_blocks.1.downsamplers.0", "down_blocks.1.conv_out", "down_blocks.2", "down_blocks.2.downsamplers.0",
    "down_blocks.3", "mid_block",
)  # fmt: skip
DOWN_095 = (
    "down_blocks.0", "down_blocks.0.downsamplers.0", "down_blocks.1", "down_blocks.1.downsamplers.0", "down_blocks.2",
    "down_blocks.2.downsamplers.0", "down_blocks.3", "down_blocks.3.downsamplers.0", "mid_block",
)  # fmt: skip
UP = (
    "mid_block", "up_blocks.0", "up_blocks.1.upsamplers.0", "up_blocks.1", "up_blocks.2.conv_in",
    "up_blocks.2.upsamplers.0", "up_blocks.2", "up_blocks.3.conv_in", "up_blocks.3.upsamplers.0", "up_blocks.3",
)  # fmt: skip
UP_091 = (
    "mid_block", "up_blocks.0.upsamplers.0", "up_blocks.0", "up_blocks.1.upsamplers.0", "up_blocks.1",
    "up_blocks.2.upsamplers.0", "up_blocks.2", "up_blocks.3.upsamplers.0", "up_blocks.3",
)  # fmt: skip
VAE_090, VAE_091, VAE_095 = _vae(DOWN, UP), _vae(DOWN, UP_091), _vae(DOWN_095, UP_091)
UNUSED = ("per_channel_statistics.channel", ".mean-of-stds", ".mean-of-stds_over_std-of-means")


def transformer_config(shapes: Shapes) -> dict[str, Any]:
    inner, channels = shapes["proj_in.weight"].shape
    if inner % HEADS:
        raise ValueError(f"its width of {inner} is no multiple of {HEADS}")
    return {
        "patch_size": 1,
        "patch_size_t": 1,
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"].shape[0],
        "num_attention_heads": HEADS,
        "attention_head_dim": inner // HEADS,
        "cross_attention_dim": shapes["transformer_blocks.0.attn2.to_k.weight"].shape[1],
        "num_layers": count(shapes, "transformer_blocks"),
        "caption_channels": shapes["caption_projection.linear_1.weight"].shape[1],
    }


def vae_config(shapes: Shapes) -> dict[str, Any]:
    """All of it lies in the shapes but what a larger factor of the decoder's goes with: a way around its blocks."""
    downs, ups = count(shapes, "encoder.down_blocks"), count(shapes, "decoder.up_blocks")
    widths = [_width(shapes, f"encoder.down_blocks.{n}") for n in range(downs)]
    later = _from_095(shapes)
    if later:
        widths.append(_width(shapes, "encoder.mid_block"))
    scales = [_scale(shapes, f"encoder.down_blocks.{n}", widths[n + 1 :]) for n in range(downs)]
    blocks = ["decoder.mid_block", *(f"decoder.up_blocks.{n}" for n in range(ups))]
    factors = [_factor(shapes, name) for name in blocks[1:]]
    return {
        "in_channels": shapes["encoder.conv_in.conv.weight"].shape[1] // PATCH**2,
        "out_channels": shapes["decoder.conv_out.conv.weight"].shape[0] // PATCH**2,
        "latent_channels": shapes["decoder.conv_in.conv.weight"].shape[1],
        "block_out_channels": widths,
        "down_block_types": ["LTXVideo095DownBlock3D" if later else "LTXVideoDownBlock3D"] * downs,
        "layers_per_block": [_layers(shapes, f"encoder.down_blocks.{n}") for n in range(downs)]
        + [_layers(shapes, "encoder.mid_block")],
        "spatio_temporal_scaling": [bool(scale) for scale in scales],
        "downsample_type": [scale or "conv" for scale in scales],
        "decoder_block_out_channels": [
            _width(shapes, name) * factor for name, factor in zip(blocks[1:], factors, strict=True)
        ][::-1],
        "decoder_layers_per_block": [_layers(shapes, name) for name in reversed(blocks)],
        "decoder_spatio_temporal_scaling": [
            f"{name}.upsamplers.0.conv.conv.weight" in shapes for name in blocks[:0:-1]
        ],
        "decoder_inject_noise": [f"{name}.resnets.0.per_channel_scale1" in shapes for name in reversed(blocks)],
        "upsample_factor": factors[::-1],
        "upsample_residual": [factor > 1 for factor in reversed(factors)],
        "timestep_conditioning": "decoder.timestep_scale_multiplier" in shapes,
        "patch_size": PATCH,
        "patch_size_t": 1,
        "temporal_compression_ratio": 2 ** sum(scale not in ("", "spatial") for scale in scales),
        "spatial_compression_ratio": PATCH * 2 ** sum(scale not in ("", "temporal") for scale in scales),
    }


def _width(shapes: Shapes, block: str) -> int:
    return shapes[f"{block}.resnets.0.conv1.conv.weight"].shape[0]


def _layers(shapes: Shapes, block: str) -> int:
    return count(shapes, f"{block}.resnets")


def _from_095(shapes: Shapes) -> bool:
    return "encoder.down_blocks.0.downsamplers.0.conv.conv.weight" in shapes


def _scale(shapes: Shapes, block: str, after: list[int]) -> str:
    """How a block of the encoder makes a clip smaller, "" for not at all."""
    if f"{block}.downsamplers.0.conv.weight" in shapes:
        return "conv"
    if f"{block}.downsamplers.0.conv.conv.weight" not in shapes:
        return ""
    cells = after[0] // shapes[f"{block}.downsamplers.0.conv.conv.weight"].shape[0]
    known = {2: "temporal", 4: "spatial", 8: "spatiotemporal"}
    if cells not in known:
        raise ValueError(f"{block} puts {cells} cells into one")
    return known[cells]


def _factor(shapes: Shapes, block: str) -> int:
    """By how much narrower a block of the decoder's is than the one before it."""
    name = _upsampler(block)
    return shapes[name].shape[1] // _width(shapes, block) if name in shapes else 1


def _upsampler(block: str) -> str:
    return f"{block}.upsamplers.0.conv.conv.weight"


LAYOUTS = (
    Layout("transformer", ("patchify_proj.weight", "transformer_blocks.0.attn2.to_k.weight"),
           NAMES, transformer_config),
    Layout("transformer", ("proj_in.weight", "caption_projection.linear_1.weight",
                           "transformer_blocks.0.attn2.to_k.weight", "time_embed.linear.weight"),
           SAME, transformer_config),
    Layout("vae", ("encoder.down_blocks.2.res_blocks.0.conv1.conv.weight", "per_channel_statistics.std-of-means"),
           VAE_095, vae_config, UNUSED),
    Layout("vae", ("decoder.last_scale_shift_table", "per_channel_statistics.std-of-means"),
           VAE_091, vae_config, UNUSED),
    Layout("vae", ("encoder.down_blocks.9.res_blocks.0.conv1.conv.weight", "per_channel_statistics.std-of-means"),
           VAE_090, vae_config, UNUSED),
    Layout("vae", ("latents_std", "encoder.down_blocks.0.resnets.0.conv1.conv.weight",
                   "decoder.mid_block.resnets.0.conv1.conv.weight"), SAME, vae_config),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files.

    A transformer of 2B is the same before and after version 0.9.5, by its shapes, and was trained for another VAE: it
    goes by the VAE in the file, else by the version in the file's name, and counts as a later one without any.
    """
    dit, vae = held.get("transformer", {}), held.get("vae")
    if vae is None:
        large = dit.get("num_attention_heads", HEADS) * dit.get("attention_head_dim", 0) >= LARGE
        later = large or not OLD.search(header.path.name)
        vae = {
            "latent_channels": dit.get("in_channels", LATENT),
            "down_block_types": ["LTXVideo095DownBlock3D" if later else "LTXVideoDownBlock3D"],
            "spatio_temporal_scaling": [True, True, True, False],
            "patch_size": PATCH,
            "patch_size_t": 1,
        }
    later = "LTXVideo095DownBlock3D" in vae["down_block_types"]
    return {
        "index": {"_class_name": "LTXConditionPipeline" if later else "LTXPipeline"},
        "scheduler": {} if later else SHIFTED,
        "transformer": {"patch_size": 1, "patch_size_t": 1, "in_channels": vae["latent_channels"], **dit},
        "vae": vae,
        "text_encoder": {"d_model": dit.get("caption_channels", 4096)},
    }
