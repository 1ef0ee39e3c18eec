"""Tiny SkyReels-V2 folders in the real format, every weight at random."""

from pathlib import Path

import tiny_wan
import torch
from diffusers import SkyReelsV2DiffusionForcingPipeline, SkyReelsV2Pipeline, SkyReelsV2Transformer3DModel


def transformer(*, told_fps: bool) -> SkyReelsV2Transformer3DModel:
    torch.manual_seed(4)
    made = SkyReelsV2Transformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=32, ffn_dim=48, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        inject_sample_info=told_fps,
    )  # fmt: skip
    return made.eval()


def write(folder: Path, *, forced: bool) -> Path:
    """A text-to-video folder, or of the diffusion-forcing model that makes long clips."""
    kind = SkyReelsV2DiffusionForcingPipeline if forced else SkyReelsV2Pipeline
    dit = transformer(told_fps=forced)
    pipeline = kind(**tiny_wan.text(folder), vae=tiny_wan.vae(), scheduler=tiny_wan.scheduler(), transformer=dit)
    pipeline.save_pretrained(folder)
    return folder
