"""Tiny LTX-Video folders in the real format, every weight at random."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    LTXConditionPipeline,
    LTXPipeline,
    LTXVideoTransformer3DModel,
)
from tiny_text import write_t5, write_t5_tokenizer
from transformers import AutoTokenizer, T5EncoderModel

# As the makers' conversion writes it for the versions before 0.9.5.
SHIFTED = {
    "use_dynamic_shifting": True, "base_shift": 0.95, "max_shift": 2.05, "base_image_seq_len": 1024,
    "max_image_seq_len": 4096, "shift_terminal": 0.1,
}  # fmt: skip


def vae(*, finishes: bool, keyed: bool) -> AutoencoderKLLTXVideo:
    """8 x 32 x 32 pixels a cell. finishes: its decoder takes the last noise away, as from 0.9.1 on."""
    torch.manual_seed(1)
    widths, halved = (8, 8, 8, 8), (True, True, True, False)
    blocks = {"down_block_types": ("LTXVideo095DownBlock3D",) * 4} if keyed else {}
    made = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=widths, decoder_block_out_channels=widths,
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1), spatio_temporal_scaling=halved,
        decoder_spatio_temporal_scaling=halved, timestep_conditioning=finishes,
        decoder_inject_noise=(finishes,) * 5, **blocks,
    )  # fmt: skip
    made.latents_mean.normal_()
    made.latents_std.uniform_(0.5, 2)
    for name, weight in made.named_parameters():
        if "per_channel_scale" in name:  # zero where untrained, which would add no noise
            torch.nn.init.normal_(weight)
    return made.eval()


def transformer() -> LTXVideoTransformer3DModel:
    torch.manual_seed(2)
    made = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=12, cross_attention_dim=24,
        num_layers=2, caption_channels=32,
    )  # fmt: skip
    return made.eval()


def write(folder: Path, *, keyed: bool = False, finishes: bool = False) -> Path:
    """A folder of a version before 0.9.5, or from it on: such a one is given frames anywhere."""
    write_t5_tokenizer(folder / "tokenizer")
    write_t5(folder / "text_encoder")
    made: type[DiffusionPipeline] = LTXConditionPipeline if keyed else LTXPipeline
    pipeline = made(
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        text_encoder=T5EncoderModel.from_pretrained(folder / "text_encoder"),
        vae=vae(finishes=finishes, keyed=keyed),
        scheduler=FlowMatchEulerDiscreteScheduler(**({} if keyed else SHIFTED)),
        transformer=transformer(),
    )
    pipeline.save_pretrained(folder)
    return folder
