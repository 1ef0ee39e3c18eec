"""Tiny Wan folders in the real format, every weight at random."""

import tempfile
from functools import cache
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from tiny_text import write_t5_tokenizer, write_umt5
from transformers import AutoTokenizer, UMT5EncoderModel


def vae() -> AutoencoderKLWan:
    torch.manual_seed(1)
    made = AutoencoderKLWan(
        base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    return made.eval()


def transformer(channels: int = 16, out: int = 16) -> WanTransformer3DModel:
    made = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=out,
        text_dim=32, freq_dim=32, ffn_dim=48, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
    )  # fmt: skip
    return made.eval()


def write_text_to_video(folder: Path, *, experts: int = 1, boundary: float | None = None) -> Path:
    """A Wan 2.1 text-to-video folder, or with two experts one of Wan 2.2 A14B."""
    write_t5_tokenizer(folder / "tokenizer")
    write_umt5(folder / "text_encoder")
    torch.manual_seed(2)
    pipeline = WanPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        text_encoder=UMT5EncoderModel.from_pretrained(folder / "text_encoder"),
        vae=vae(),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
        ),
        transformer=transformer(),
        transformer_2=transformer() if experts == 2 else None,
        boundary_ratio=boundary,
    )
    pipeline.save_pretrained(folder)
    return folder


@cache
def folder() -> Path:
    """A text-to-video folder called "wan", made once."""
    return write_text_to_video(Path(tempfile.mkdtemp()) / "wan")
