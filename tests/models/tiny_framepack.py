"""Tiny FramePack folders in the real format, every weight at random."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tiny_hunyuan
import torch
from bench import Bench
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoFramepackPipeline,
    HunyuanVideoFramepackTransformer3DModel,
)
from tiny_text import lasting_folder
from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

from assets.values import Clip, Text
from nodes.families.frames import canvas_from_frames
from nodes.families.images import encode_image
from nodes.families.registry import components, image_encoder
from nodes.text_encoder.nodes import encode_text

SIDE = 28


def transformer() -> HunyuanVideoFramepackTransformer3DModel:
    torch.manual_seed(2)
    made = HunyuanVideoFramepackTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=10, num_layers=1, num_single_layers=1,
        num_refiner_layers=1, patch_size=2, patch_size_t=1, guidance_embeds=True, text_embed_dim=16,
        pooled_projection_dim=8, rope_axes_dim=(2, 4, 4), has_image_proj=True, image_proj_dim=16,
        has_clean_x_embedder=True,
    )  # fmt: skip
    return made.eval()


def write(folder: Path, *, dynamic: bool = False) -> Path:
    """dynamic: whether its schedule goes by the size of a section."""
    said = tiny_hunyuan.text()
    looks = SiglipVisionConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=14
    )
    HunyuanVideoFramepackPipeline(
        **said,
        transformer=transformer(),
        vae=tiny_hunyuan.vae(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0, use_dynamic_shifting=dynamic),
        image_encoder=SiglipVisionModel(looks).eval(),
        feature_extractor=SiglipImageProcessor(size={"height": SIDE, "width": SIDE}),
    ).save_pretrained(folder)
    return folder


@cache
def folder() -> Path:
    """A folder, made once."""
    return write(lasting_folder() / "framepack")


def asked(
    path: Path | None = None, sections: int = 1, text: str = "a red ball", last: Clip | None = None
) -> dict[str, Any]:
    """The DiT, a canvas of so many sections that begins with a picture (and ends with one), and what both say."""
    path, bench = path or folder(), Bench()
    models, shown = components(path), picture()
    canvas = canvas_from_frames(
        models.dit, models.vae, shown, last, ctx=bench, frames=1 + 36 * sections, fps=24.0,
        place="first and last frame" if last else "first frame",
    )  # fmt: skip
    said = encode_text(models.text_encoder, Text(text), ctx=bench)
    return {
        "dit": models.dit,
        "patches": canvas,
        "conditioning": encode_image(image_encoder(path), said, shown, ctx=bench),
        "negative": encode_text(models.text_encoder, Text("a blue ball"), ctx=bench),
    }


def picture(seed: int = 1) -> Clip:
    return Clip(np.random.default_rng(seed).integers(0, 256, (1, 32, 48, 3), dtype=np.uint8), 24.0)
