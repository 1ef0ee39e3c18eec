"""Tiny Wan folders in the real format, every weight at random."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLWan,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
    WanVACEPipeline,
    WanVACETransformer3DModel,
)
from tiny_text import lasting_folder, write_t5_tokenizer, write_umt5
from transformers import AutoTokenizer, CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel, UMT5EncoderModel

LOOKED_AT = 5
"""Rows that the image encoder makes of a picture: 2 x 2 patches and the class."""


def vae() -> AutoencoderKLWan:
    """Wan 2.1's, 4x8x8 with 16 channels."""
    torch.manual_seed(1)
    made = AutoencoderKLWan(
        base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    return made.eval()


def vae_of_5b() -> AutoencoderKLWan:
    """Wan 2.2's for its 5B model: 4x16x16 with 48 channels."""
    torch.manual_seed(1)
    made = AutoencoderKLWan(
        base_dim=4, decoder_base_dim=4, z_dim=48, dim_mult=[1, 1, 1, 1], num_res_blocks=1, is_residual=True,
        temperal_downsample=[False, True, True], patch_size=2, in_channels=12, out_channels=12,
        scale_factor_spatial=16, latents_mean=[0.1] * 48, latents_std=[1.5] * 48,
    )  # fmt: skip
    return made.eval()


def transformer(channels: int = 16, out: int = 16, **more: Any) -> WanTransformer3DModel:
    made = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=out,
        text_dim=32, freq_dim=32, ffn_dim=48, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        **more,
    )  # fmt: skip
    return made.eval()


def scheduler() -> UniPCMultistepScheduler:
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
    )


def write_text_to_video(folder: Path, *, experts: int = 1, boundary: float | None = None) -> Path:
    """A Wan 2.1 text-to-video folder, or with two experts one of Wan 2.2 A14B."""
    said = text(folder)
    pipeline = WanPipeline(
        **said,
        vae=vae(),
        scheduler=scheduler(),
        transformer=transformer(),
        transformer_2=transformer() if experts == 2 else None,
        boundary_ratio=boundary,
    )
    pipeline.save_pretrained(folder)
    return folder


def write_5b(folder: Path, *, image: bool = False) -> Path:
    """A Wan 2.2 TI2V-5B folder: text to video, and with `image` as its image-to-video pipeline has it."""
    kind = WanImageToVideoPipeline if image else WanPipeline
    pipeline = kind(
        **text(folder), vae=vae_of_5b(), scheduler=scheduler(), transformer=transformer(48, 48), expand_timesteps=True
    )
    pipeline.save_pretrained(folder)
    return folder


def write_vace(folder: Path, *, experts: int = 1, boundary: float | None = None) -> Path:
    """A Wan VACE folder, or with two experts one as those of Wan 2.2 are."""
    said = text(folder)
    pipeline = WanVACEPipeline(
        **said,
        vae=vae(),
        scheduler=scheduler(),
        transformer=vace_transformer(),
        transformer_2=vace_transformer() if experts == 2 else None,
        boundary_ratio=boundary,
    )
    pipeline.save_pretrained(folder)
    return folder


def vace_transformer() -> WanVACETransformer3DModel:
    made = WanVACETransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=32, ffn_dim=48, num_layers=3, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        vace_layers=[0, 2], vace_in_channels=96,
    )  # fmt: skip
    return made.eval()


def write_image_to_video(folder: Path, *, ends: bool = False, boundary: float | None = None) -> Path:
    """A Wan 2.1 image-to-video folder; with `ends` that of first and last frame, with a boundary Wan 2.2 A14B."""
    said = text(folder)
    torch.manual_seed(3)
    if boundary is None:
        sizes = CLIPVisionConfig(
            hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28,
            patch_size=14,
        )  # fmt: skip
        looks = {
            "image_encoder": CLIPVisionModel(sizes).eval(),
            "image_processor": CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28),
        }
        more = {"image_dim": 16, "added_kv_proj_dim": 24, "pos_embed_seq_len": 2 * LOOKED_AT if ends else None}
    else:
        looks, more = {"image_encoder": None, "image_processor": None}, {}
    pipeline = WanImageToVideoPipeline(
        **said,
        **looks,
        vae=vae(),
        scheduler=scheduler(),
        transformer=transformer(36, **more),
        transformer_2=transformer(36) if boundary else None,
        boundary_ratio=boundary,
    )
    pipeline.save_pretrained(folder)
    return folder


def text(folder: Path) -> dict[str, Any]:
    """Tokenizer and text encoder, by the names that pipelines have for them."""
    write_t5_tokenizer(folder / "tokenizer")
    torch.manual_seed(2)
    write_umt5(folder / "text_encoder")
    return {
        "tokenizer": AutoTokenizer.from_pretrained(folder / "tokenizer"),
        "text_encoder": UMT5EncoderModel.from_pretrained(folder / "text_encoder"),
    }


@cache
def folder() -> Path:
    """A text-to-video folder called "wan", made once, beside "wan i2v"."""
    models = lasting_folder()
    write_image_to_video(models / "wan i2v")
    return write_text_to_video(models / "wan")
