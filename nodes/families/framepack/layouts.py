"""How FramePack's files name its tensors: as diffusers does; and what their shapes tell. No torch here."""

from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Layout, Shapes, vision_sizes
from nodes.families.formats.names import SAME
from nodes.families.hunyuan import layouts as hunyuan

HEAD = 72
"""Width of an attention head in SigLIP so400m, the only one that it goes with."""
SIDE = 384
"""Of the pictures that SigLIP sees, which the shapes do not tell: its patches leave a rim out."""


def transformer_config(shapes: Shapes) -> dict[str, Any]:
    sees = "image_projection.up.weight" in shapes
    return hunyuan.transformer_config(shapes) | {
        "has_clean_x_embedder": True,
        "has_image_proj": sees,
        **({"image_proj_dim": shapes["image_projection.up.weight"].shape[1]} if sees else {}),
    }


def image_config(shapes: Shapes) -> dict[str, Any]:
    sizes = vision_sizes(shapes, HEAD, "SigLIP so400m's is, which FramePack needs", lead=0)
    patches = sizes["image_size"] // sizes["patch_size"]
    return sizes | ({"image_size": SIDE} if SIDE // sizes["patch_size"] == patches else {})


LAYOUTS = (
    Layout("transformer", (f"context_embedder.{hunyuan.REFINES}.0.attn.to_q.weight",
                           "single_transformer_blocks.0.attn.to_q.weight", "clean_x_embedder.proj.weight"),
           SAME, transformer_config),
    Layout("image_encoder", ("head.probe", "embeddings.patch_embedding.weight",
                             "encoder.layers.0.self_attn.q_proj.weight"), SAME, image_config, ("position_ids",)),
)  # fmt: skip


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for parts that lie in files: HunyuanVideo's schedule and VAE."""
    looks = held.get("image_encoder", {})
    side = looks.get("image_size", SIDE)
    return hunyuan.around(held, header) | {
        "index": {"_class_name": "HunyuanVideoFramepackPipeline"},
        "image_encoder": looks,
        "feature_extractor": {"size": {"height": side, "width": side}},
    }
