"""Tiny Mochi folders in the real format, every weight at random."""

from pathlib import Path

import torch
from diffusers import AutoencoderKLMochi, FlowMatchEulerDiscreteScheduler, MochiPipeline, MochiTransformer3DModel
from tiny_text import write_t5, write_t5_tokenizer
from transformers import AutoTokenizer, T5EncoderModel


def vae() -> AutoencoderKLMochi:
    torch.manual_seed(1)
    made = AutoencoderKLMochi(
        encoder_block_out_channels=(32, 32, 32, 32), decoder_block_out_channels=(32, 32, 32, 32),
        layers_per_block=(1, 1, 1, 1, 1),
    )  # fmt: skip
    return made.eval()


def transformer() -> MochiTransformer3DModel:
    torch.manual_seed(2)
    made = MochiTransformer3DModel(
        num_attention_heads=2, attention_head_dim=8, num_layers=2, pooled_projection_dim=16, text_embed_dim=32,
        time_embed_dim=16,
    )  # fmt: skip
    # Untrained they are zero, so that a token's place would not matter.
    torch.nn.init.normal_(made.pos_frequencies)
    return made.eval()


def write(folder: Path, *, empty_is_none: bool = True) -> Path:
    """A text-to-video folder; the makers' has `force_zeros_for_empty_prompt` set."""
    write_t5_tokenizer(folder / "tokenizer")
    write_t5(folder / "text_encoder")
    pipeline = MochiPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        text_encoder=T5EncoderModel.from_pretrained(folder / "text_encoder"),
        vae=vae(),
        scheduler=FlowMatchEulerDiscreteScheduler(invert_sigmas=True),
        transformer=transformer(),
        force_zeros_for_empty_prompt=empty_is_none,
    )
    pipeline.save_pretrained(folder)
    return folder
