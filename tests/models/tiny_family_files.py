"""Tiny models of the families as the files that people have of them: widths that files tell are the real ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import tiny_cogvideox
import tiny_hunyuan
import tiny_ltx
import tiny_mochi
import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    CogVideoXTransformer3DModel,
    HunyuanVideoTransformer3DModel,
    LTXVideoTransformer3DModel,
    MochiTransformer3DModel,
    ModelMixin,
)
from safetensors.torch import load_file, save_file
from torch import Tensor

from nodes.families.formats.names import SAME, Names
from nodes.families.hunyuan.layouts import COMFY_NAMES
from nodes.families.hunyuan.layouts import NAMES as HUNYUAN
from nodes.families.ltx.layouts import NAMES as LTX
from nodes.families.mochi.layouts import NAMES as MOCHI

State = dict[str, Tensor]


@dataclass(frozen=True)
class Tiny:
    """write: a diffusers folder around a transformer. layouts: how files name it. lora: a layer of each, its own way.

    size: of a canvas. label: the family's.
    """

    label: str
    write: Callable[[Path], Path]
    transformer: Callable[[], ModelMixin]
    layouts: dict[str, Names]
    layers: tuple[str, ...]
    size: dict[str, int]


def ltx() -> ModelMixin:
    return LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=32, attention_head_dim=2, cross_attention_dim=64,
        num_layers=2, caption_channels=32,
    )  # fmt: skip


def ltx_vae(version: str) -> AutoencoderKLLTXVideo:
    """As the makers built it in that version, narrow."""
    torch.manual_seed(6)
    built: dict[str, Any] = {
        "0.9.0": {
            "block_out_channels": (8, 16, 32, 32), "decoder_block_out_channels": (8, 16, 32, 32),
            "layers_per_block": (2, 1, 1, 1, 2), "decoder_layers_per_block": (2, 1, 1, 1, 2),
        },
        "0.9.1": {
            "block_out_channels": (8, 16, 32, 32), "decoder_block_out_channels": (16, 32, 64),
            "layers_per_block": (2, 1, 1, 1, 2), "decoder_layers_per_block": (1, 2, 1, 2),
            "decoder_spatio_temporal_scaling": (True, True, True), "decoder_inject_noise": (False, True, True, True),
        },
        "0.9.5": {
            "block_out_channels": (8, 16, 32, 64, 128), "decoder_block_out_channels": (16, 32, 64),
            "layers_per_block": (1, 2, 1, 1, 2), "decoder_layers_per_block": (1, 1, 2, 1),
            "down_block_types": ("LTXVideo095DownBlock3D",) * 4, "spatio_temporal_scaling": (True, True, True, True),
            "decoder_spatio_temporal_scaling": (True, True, True), "decoder_inject_noise": (False,) * 4,
            "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
            "spatial_compression_ratio": 32, "temporal_compression_ratio": 8,
        },
    }[version]  # fmt: skip
    if version != "0.9.0":
        built |= {"upsample_residual": (True,) * 3, "upsample_factor": (2,) * 3, "timestep_conditioning": True}
    made = AutoencoderKLLTXVideo(latent_channels=8, **built)
    made.latents_mean.normal_()
    made.latents_std.uniform_(0.5, 2)
    return made.eval()


def cogvideox(kind: tiny_cogvideox.Kind = "5b") -> ModelMixin:
    told, later = kind.endswith("image"), kind.startswith("1.5")
    side = {"sample_height": 300 if told else 96, "sample_width": 300 if told else 170} if later else {}
    return CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8 if told else 4, out_channels=4, time_embed_dim=8,
        text_embed_dim=32, num_layers=30 if kind == "2b" else 2, patch_size_t=2 if later else None,
        sample_frames=81 if later else 49, patch_bias=not later, use_rotary_positional_embeddings=kind != "2b",
        use_learned_positional_embeddings=kind == "5b image", ofs_embed_dim=8 if kind == "1.5 image" else None, **side,
    )  # fmt: skip


def hunyuan(*, guidance: bool = True, told: bool = False) -> ModelMixin:
    return HunyuanVideoTransformer3DModel(
        in_channels=9 if told else 4, out_channels=4, num_attention_heads=1, attention_head_dim=128, num_layers=2,
        num_single_layers=2, num_refiner_layers=1, guidance_embeds=guidance, text_embed_dim=16,
        pooled_projection_dim=8, image_condition_type="latent_concat" if told else None,
    )  # fmt: skip


def mochi() -> ModelMixin:
    made = MochiTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, num_layers=3, pooled_projection_dim=32, text_embed_dim=32,
        time_embed_dim=16,
    )  # fmt: skip
    torch.nn.init.normal_(made.pos_frequencies)
    return made


def _ltx_folder(folder: Path) -> Path:
    tiny_ltx.write(folder, keyed=True, finishes=True)
    ltx_vae("0.9.5").save_pretrained(folder / "vae")
    return folder


SMALL = {"frames": 9, "height": 32, "width": 48}
FAMILIES = {
    "ltx": Tiny(
        "LTX-Video", _ltx_folder, ltx, {"original": LTX, "diffusers": SAME},
        ("proj_in", "time_embed.linear", "transformer_blocks.1.attn2.to_out.0"),
        {"frames": 17, "height": 64, "width": 96},
    ),
    "cogvideox": Tiny(
        "CogVideoX", lambda folder: tiny_cogvideox.write(folder, "5b"), cogvideox, {"diffusers": SAME},
        ("transformer_blocks.0.attn1.to_q", "transformer_blocks.1.norm1.linear"), SMALL,
    ),
    "hunyuan": Tiny(
        "HunyuanVideo", tiny_hunyuan.write, hunyuan,
        {"original": HUNYUAN, "comfy": COMFY_NAMES, "diffusers": SAME},
        ("transformer_blocks.1.attn.add_k_proj", "single_transformer_blocks.0.proj_mlp", "norm_out.linear"), SMALL,
    ),
    "mochi": Tiny(
        "Mochi", tiny_mochi.write, mochi, {"original": MOCHI, "diffusers": SAME},
        ("transformer_blocks.0.attn1.to_v", "transformer_blocks.1.ff.net.0.proj",
         "transformer_blocks.2.norm1_context.linear_1"), {"frames": 7, "height": 32, "width": 48},
    ),
}  # fmt: skip


def write_folder(root: Path, name: str) -> Path:
    """A diffusers folder of a family, its transformer as wide as its files tell."""
    family = FAMILIES[name]
    folder = family.write(root / name)
    torch.manual_seed(5)
    family.transformer().save_pretrained(folder / "transformer")
    return folder


def weights(folder: Path, part: str = "transformer") -> State:
    return load_file(next((folder / part).glob("*.safetensors")))


def in_layout(state: State, names: Names) -> State:
    """What files in a layout hold; that diffusers turns it back is for a test to say."""
    names = names.ending(state)
    theirs = dict.fromkeys(names.theirs(name) for name in state)
    return {name: joined([state[piece.name] for piece in names.pieces(name)], names, name) for name in theirs}


def joined(parts: list[Tensor], names: Names, theirs: str) -> Tensor:
    made = parts[0] if len(parts) == 1 else torch.cat(parts)
    return torch.cat(made.chunk(2)[::-1]) if names.pieces(theirs)[0].swapped else made


def write(path: Path, state: State, prefix: str = "") -> Path:
    save_file({prefix + name: tensor.contiguous().clone() for name, tensor in state.items()}, path)
    return path


def write_gguf(path: Path, state: State) -> State:
    """Matrices of the blocks in Q8_0, where they can be, all else in float32. What it stands for."""
    kind = gguf.GGMLQuantizationType.Q8_0
    writer, stands = gguf.GGUFWriter(path, "video"), dict(state)
    for name, tensor in state.items():
        numbers = tensor.numpy()
        if numbers.ndim == 2 and "blocks." in name and numbers.shape[1] % 32 == 0 and "table" not in name:
            few = gguf.quants.quantize(numbers, kind)
            writer.add_tensor(name, few, raw_dtype=kind)
            stands[name] = torch.from_numpy(gguf.quants.dequantize(few, kind))
        else:
            writer.add_tensor(name, numbers)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return stands
