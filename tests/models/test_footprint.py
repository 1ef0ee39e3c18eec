"""What weights and a step take is foreseen from sizes alone, within 15 % of what a forward at those sizes takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_ltx
import tiny_wan
import torch
from alive import Alive
from diffusers import (
    CogVideoXTransformer3DModel,
    HunyuanVideoTransformer3DModel,
    LTXVideoTransformer3DModel,
    MochiTransformer3DModel,
    ModelMixin,
    WanTransformer3DModel,
    WanVACETransformer3DModel,
)
from safetensors.torch import save_file
from torch import Tensor

from assets.values import DiT, PatchesSpec
from assets.values.handles import Precision
from assets.values.patches import Grid
from nodes.families import footprint
from nodes.families.registry import components
from nodes.models import load
from nodes.streaming import size

WAN_1_3B = {"num_attention_heads": 12, "attention_head_dim": 128, "ffn_dim": 8960, "num_layers": 2}
WAN_5B = {"num_attention_heads": 24, "attention_head_dim": 128, "ffn_dim": 14336, "num_layers": 2, "in_channels": 48,
          "out_channels": 48}  # fmt: skip
TINY = 0.5
"""In a tiny network much is in layers that are left whole."""
Zeros = Callable[..., Tensor]
Forward = Callable[[Any, Zeros], Any]


def wan(model: Any, zeros: Zeros) -> Any:
    return model(zeros(1, 16, 21, 60, 104), zeros(1), zeros(1, 512, 4096), return_dict=False)


def wan_5b(model: Any, zeros: Zeros) -> Any:
    return model(zeros(1, 48, 31, 44, 80), zeros(1, 31 * 22 * 40), zeros(1, 512, 4096), return_dict=False)


def wan_vace(model: Any, zeros: Zeros) -> Any:
    told = {"control_hidden_states": zeros(1, 96, 21, 60, 104), "control_hidden_states_scale": zeros(2)}
    return model(zeros(1, 16, 21, 60, 104), zeros(1), zeros(1, 512, 4096), None, **told, return_dict=False)


def ltx(model: Any, zeros: Zeros) -> Any:
    size = {"num_frames": 16, "height": 22, "width": 38}
    tokens = 16 * 22 * 38
    return model(zeros(1, tokens, 128), zeros(1, 128, 4096), zeros(1, tokens), None, **size, return_dict=False)


def cogvideox(model: Any, zeros: Zeros) -> Any:
    turns = tuple(zeros(13 * 30 * 45, 64).float() for _ in range(2))
    told = {"image_rotary_emb": turns, "return_dict": False}
    return model(zeros(1, 13, 16, 60, 90), zeros(1, 226, 4096), zeros(1), **told)


def hunyuan(model: Any, zeros: Zeros) -> Any:
    text = (zeros(1, 256, 4096), zeros(1, 256), zeros(1, 768))
    return model(zeros(1, 16, 33, 90, 160), zeros(1), *text, zeros(1), return_dict=False)


CASES: list[Any] = [
    pytest.param("wan", WanTransformer3DModel, WAN_1_3B, wan, (21, 30, 52), 64, id="Wan 1.3B"),
    pytest.param("wan", WanTransformer3DModel, {"num_layers": 2}, wan, (21, 30, 52), 64, id="Wan 14B"),
    pytest.param("wan", WanTransformer3DModel, WAN_5B, wan_5b, (31, 22, 40), 192, id="Wan 5B"),
    pytest.param(
        "wan", WanVACETransformer3DModel, WAN_1_3B | {"num_layers": 4, "vace_layers": [0, 2], "vace_in_channels": 96},
        wan_vace, (21, 30, 52), 64, id="Wan VACE",
    ),
    pytest.param("ltx", LTXVideoTransformer3DModel, {"num_layers": 2}, ltx, (16, 22, 38), 128, id="LTX-Video"),
    pytest.param(
        "cogvideox", CogVideoXTransformer3DModel,
        {"num_attention_heads": 48, "num_layers": 2, "use_rotary_positional_embeddings": True},
        cogvideox, (13, 30, 45), 64, id="CogVideoX 5B",
    ),
    pytest.param(
        "hunyuan", HunyuanVideoTransformer3DModel, {"num_layers": 1, "num_single_layers": 2, "num_refiner_layers": 1},
        hunyuan, (33, 45, 80), 64, id="HunyuanVideo",
    ),
]  # fmt: skip


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize(("family", "kind", "sizes", "forward", "grid", "dim"), CASES)
def test_the_work_of_a_step_is_foreseen(
    family: str, kind: type[ModelMixin], sizes: dict[str, Any], forward: Forward, grid: Grid, dim: int,
    precision: Precision, tmp_path: Path,
) -> None:  # fmt: skip
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    torch.set_default_dtype(dtype)
    try:
        with torch.device("meta"):
            model = kind(**sizes).eval()
    finally:
        torch.set_default_dtype(torch.float32)
    for name, parameter in model.named_parameters():
        if any(part in name.split(".") for part in getattr(model, "_keep_in_fp32_modules", None) or ()):
            parameter.data = parameter.data.float()

    def zeros(*shape: int) -> Tensor:
        return torch.zeros(*shape, dtype=dtype, device="meta")

    with torch.inference_mode(), Alive() as alive:
        forward(model, zeros)
    dit = written(tmp_path, family, model, precision)
    assert footprint.work(dit, patches(grid, dim)) == pytest.approx(alive.most, rel=0.15)


@pytest.mark.filterwarnings("ignore:In CPU autocast")
def test_the_work_of_mochi_is_foreseen_from_a_small_one(tmp_path: Path) -> None:
    sizes = {"num_layers": 3, "num_attention_heads": 4, "pooled_projection_dim": 256, "text_embed_dim": 64}
    model = MochiTransformer3DModel(**sizes, time_embed_dim=64).eval()
    text = (torch.zeros(1, 256, 64), torch.zeros(1), torch.ones(1, 256, dtype=torch.bool))
    with torch.inference_mode(), Alive() as alive:
        model(torch.zeros(1, 12, 5, 80, 80), *text, return_dict=False)
    dit = written(tmp_path, "mochi", model, "float32")
    assert footprint.work(dit, patches((5, 40, 40), 48)) == pytest.approx(alive.most, rel=0.15)


@pytest.mark.parametrize("precision", ["as stored", "bfloat16", "float32", "float8 storage"])
def test_the_weights_are_counted_as_they_are_held(precision: Precision, tmp_path: Path) -> None:
    folders = tiny_wan.write_text_to_video(tmp_path / "wan", experts=2, boundary=0.9), tiny_ltx.write(tmp_path / "ltx")
    for folder in folders:
        dit = replace(components(folder).dit, precision=precision)
        module = load(dit)
        turns = sum(buffer.nbytes for name, buffer in module.named_buffers() if "rope" in name)  # of no account at size
        assert footprint.weights(dit) == pytest.approx(size(module) - turns, rel=TINY if "8" in precision else 0.15)


def patches(grid: Grid, dim: int) -> PatchesSpec:
    return PatchesSpec((grid,), dim, (1, 2, 2), "space", 16.0)


def written(folder: Path, family: str, model: ModelMixin, precision: Precision) -> DiT:
    """A model folder that has all but its weights."""
    model.save_config(folder / "transformer")
    save_file({"one": torch.zeros(1)}, folder / "transformer" / "diffusion_pytorch_model.safetensors")
    index = {"_class_name": "", "transformer": ["diffusers", ""], "expand_timesteps": model.config.in_channels == 48}
    (folder / "model_index.json").write_text(json.dumps(index))
    return DiT(family, str(folder), "", "space", 16, (1, 2, 2), family, "flow", precision=precision)
