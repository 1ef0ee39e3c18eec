"""Tiny CogVideoX folders in the real format, every weight at random."""

from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXDPMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
)
from tiny_text import write_t5, write_t5_tokenizer
from transformers import AutoTokenizer, T5EncoderModel

Kind = Literal["2b", "5b", "5b image", "1.5", "1.5 image"]
TOKENS = 16
"""Of a text; the real ones read 226."""


def vae(kind: Kind) -> AutoencoderKLCogVideoX:
    torch.manual_seed(1)
    made = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
        scaling_factor=1.15258426 if kind == "2b" else 0.7, invert_scale_latents=kind == "1.5 image",
    )  # fmt: skip
    return made.eval()


def transformer(kind: Kind) -> CogVideoXTransformer3DModel:
    torch.manual_seed(2)
    told, later = kind.endswith("image"), kind.startswith("1.5")
    made = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8 if told else 4, out_channels=4, time_embed_dim=8,
        text_embed_dim=32, num_layers=2, sample_width=6, sample_height=6 if later else 4, sample_frames=9, patch_size=2,
        patch_size_t=2 if later else None, max_text_seq_length=TOKENS, patch_bias=not later,
        use_rotary_positional_embeddings=kind != "2b", use_learned_positional_embeddings=kind == "5b image",
        ofs_embed_dim=8 if kind == "1.5 image" else None,
    )  # fmt: skip
    return made.eval()


def write(folder: Path, kind: Kind, *, dpm: bool = False) -> Path:
    """A folder as `kind` has it, with the scheduler of its makers."""
    write_t5_tokenizer(folder / "tokenizer")
    torch.manual_seed(3)
    write_t5(folder / "text_encoder")
    schedule: dict[str, Any] = {
        "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
        "clip_sample": False, "snr_shift_scale": 3.0 if kind == "2b" else 1.0,
    }  # fmt: skip
    pipeline = CogVideoXImageToVideoPipeline if kind.endswith("image") else CogVideoXPipeline
    pipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        text_encoder=T5EncoderModel.from_pretrained(folder / "text_encoder"),
        vae=vae(kind),
        transformer=transformer(kind),
        scheduler=(CogVideoXDPMScheduler if dpm else CogVideoXDDIMScheduler)(**schedule),
    ).save_pretrained(folder)
    return folder
