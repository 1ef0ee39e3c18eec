"""A tiny Wan with heads of the real width, as a diffusers folder and as the files that people have of it."""

import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import tiny_wan
import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers, convert_wan_vae_to_diffusers
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModel, UMT5EncoderModel

from nodes.families.wan.layouts import NAMES, T5

State = dict[str, Tensor]


def transformer(**more: Any) -> WanTransformer3DModel:
    asked = {"num_attention_heads": 1, "attention_head_dim": 128, "ffn_dim": 64, "num_layers": 2, "text_dim": 32}
    return WanTransformer3DModel(**asked | {"freq_dim": 32} | more).eval()


def vae() -> AutoencoderKLWan:
    torch.manual_seed(4)
    return AutoencoderKLWan(base_dim=4).eval()


def write_folder(folder: Path, **more: Any) -> Path:
    torch.manual_seed(3)
    pipeline = WanPipeline(
        **tiny_wan.text(folder), vae=vae(), scheduler=tiny_wan.scheduler(), transformer=transformer(), **more
    )
    pipeline.save_pretrained(folder)
    return folder


def original_transformer(ours: State) -> State:
    """The makers' names, which diffusers turns back into its own."""
    theirs = {}
    for name, tensor in ours.items():
        spelt = "head.modulation" if name == "scale_shift_table" else NAMES.theirs(name)
        theirs[spelt.replace("head.modulation", "modulation") if spelt.startswith("blocks") else spelt] = tensor
    # Its converter knows no fps, which SkyReels-V2 is told.
    back = convert_wan_transformer_to_diffusers({name: one for name, one in theirs.items() if "fps" not in name})
    plain = {name for name in ours if "fps" not in name}
    assert set(back) - {"img_emb.emb_pos"} == plain - {"condition_embedder.image_embedder.pos_embed"}
    assert all(torch.equal(back[name], ours[name]) for name in back.keys() & ours.keys())
    return theirs


def original_vae(ours: State) -> State:
    """Wan 2.1's names, which diffusers turns back into its own."""
    theirs = {_vae_name(name): tensor for name, tensor in ours.items()}
    back = convert_wan_vae_to_diffusers(dict(theirs))
    assert set(back) == set(ours)
    assert all(torch.equal(back[name], tensor) for name, tensor in ours.items())
    return theirs


def _vae_name(name: str) -> str:
    for ours, theirs in (
        ("^quant_conv", "conv1"), ("^post_quant_conv", "conv2"), ("coder.conv_in", "coder.conv1"),
        ("norm_out", "head.0"), ("conv_out", "head.2"), ("mid_block.resnets.0", "middle.0"),
        ("mid_block.attentions.0", "middle.1"), ("mid_block.resnets.1", "middle.2"), ("down_blocks", "downsamples"),
    ):  # fmt: skip
        name = re.sub(ours, theirs, name)
    stage = r"up_blocks\.(\d)\."
    name = re.sub(stage + r"upsamplers\.0", lambda found: f"upsamples.{4 * int(found[1]) + 3}", name)
    name = re.sub(stage + r"resnets\.(\d)", lambda found: f"upsamples.{4 * int(found[1]) + int(found[2])}", name)
    if re.search(r"(middle\.[02]|samples\.\d+)\.(norm|conv)", name):
        for ours, theirs in (("norm1", "residual.0"), ("conv1", "residual.2"), ("norm2", "residual.3"),
                             ("conv2", "residual.6"), ("conv_shortcut", "shortcut")):  # fmt: skip
            name = re.sub(rf"(middle\.[02]|samples\.\d+)\.{ours}\.", rf"\1.{theirs}.", name)
    return name


def text_state(folder: Path, *, tokenizer: bool = True) -> State:
    """As ComfyUI keeps it, the tokenizer's bytes among the weights."""
    state = dict(UMT5EncoderModel.from_pretrained(folder / "text_encoder").state_dict())
    state.pop("encoder.embed_tokens.weight", None)
    model = np.frombuffer((folder / "tokenizer" / "spiece.model").read_bytes(), np.uint8).copy()
    return state | ({"spiece_model": torch.from_numpy(model)} if tokenizer else {})


def text_state_of_the_makers(folder: Path) -> State:
    return {T5.theirs(name): tensor for name, tensor in text_state(folder, tokenizer=False).items()}


def vision(width: int = 80) -> CLIPVisionModel:
    """An image encoder with a head of the real width."""
    torch.manual_seed(9)
    sizes = CLIPVisionConfig(
        hidden_size=width, intermediate_size=24, num_hidden_layers=3, num_attention_heads=1, image_size=28,
        patch_size=14, hidden_act="gelu",
    )  # fmt: skip
    return CLIPVisionModel(sizes).eval()


def write_clip(path: Path, made: CLIPVisionModel) -> Path:
    """As clip_vision_h.safetensors is laid out."""
    state = {f"vision_model.{name.removeprefix('vision_model.')}": one for name, one in made.state_dict().items()}
    state["vision_model.embeddings.position_ids"] = torch.arange(5)[None]
    return write(path, state | {"visual_projection.weight": torch.zeros(8, made.config.hidden_size)})


def write(path: Path, state: State, prefix: str = "", **metadata: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({prefix + name: tensor.contiguous().clone() for name, tensor in state.items()}, path, metadata or None)
    return path


def write_gguf(path: Path, state: State, kind: str) -> Path:
    """Matrices in few bits, all else in float32, as the converters for ComfyUI write it."""
    quantised = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(path, "wan")
    for name, tensor in state.items():
        numbers = tensor.numpy()
        if numbers.ndim == 2 and "norm" not in name and "modulation" not in name:
            writer.add_tensor(name, gguf.quants.quantize(numbers, quantised), raw_dtype=quantised)
        else:
            writer.add_tensor(name, numbers)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return path
