"""Tiny SkyReels-V2 folders in the real format, every weight at random."""

from pathlib import Path
from typing import Any

import tiny_wan
import torch
from diffusers import (
    SkyReelsV2DiffusionForcingPipeline,
    SkyReelsV2ImageToVideoPipeline,
    SkyReelsV2Pipeline,
    SkyReelsV2Transformer3DModel,
)
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection


def transformer(*, told_fps: bool, channels: int = 16, **more: Any) -> SkyReelsV2Transformer3DModel:
    torch.manual_seed(4)
    made = SkyReelsV2Transformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=16,
        text_dim=32, freq_dim=32, ffn_dim=48, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        inject_sample_info=told_fps, **more,
    )  # fmt: skip
    return made.eval()


def write(folder: Path, *, forced: bool) -> Path:
    """A text-to-video folder, or of the diffusion-forcing model that makes long clips."""
    kind = SkyReelsV2DiffusionForcingPipeline if forced else SkyReelsV2Pipeline
    dit = transformer(told_fps=forced)
    pipeline = kind(**tiny_wan.text(folder), vae=tiny_wan.vae(), scheduler=tiny_wan.scheduler(), transformer=dit)
    pipeline.save_pretrained(folder)
    return folder


def write_image_to_video(folder: Path) -> Path:
    """An image-to-video folder, which has an image encoder."""
    said = tiny_wan.text(folder)
    torch.manual_seed(3)
    sizes = CLIPVisionConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14,
        projection_dim=8,
    )  # fmt: skip
    SkyReelsV2ImageToVideoPipeline(
        **said,
        vae=tiny_wan.vae(),
        scheduler=tiny_wan.scheduler(),
        transformer=transformer(told_fps=False, channels=36, image_dim=16, added_kv_proj_dim=24),
        image_encoder=CLIPVisionModelWithProjection(sizes).eval(),
        image_processor=CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28),
    ).save_pretrained(folder)
    return folder
