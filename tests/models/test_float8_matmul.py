"""Layers that multiply in float8: what they make is what float8 numbers give, near to the whole, and labelled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny_wan
import torch
from bench import Bench
from diffusers import WanTransformer3DModel
from torch import Tensor, nn

from assets.codec import content_digest
from assets.values import Text
from nodes.dit.nodes import sample
from nodes.families.formats.multiplied import MOST, MultipliedLinear, fits, in_float8, require_float8
from nodes.families.formats.precision import multiply_in_float8
from nodes.families.formats.stored import FLOAT8, Packed, StoredLinear
from nodes.families.holding import held
from nodes.families.registry import components
from nodes.models import load
from nodes.patches.nodes import noise_patches
from nodes.text_encoder.nodes import encode_text
from pipelines.executors.placement import lossy

SIZES = {"num_attention_heads": 2, "attention_head_dim": 24, "text_dim": 32, "freq_dim": 32, "ffn_dim": 96}


def rounded(rows: Tensor) -> Tensor:
    """Rows as float8 with a scale for each has them, in float64."""
    scale = rows.abs().amax(dim=1, keepdim=True).double() / MOST
    return (rows.double() / scale).float().to(FLOAT8).double() * scale


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_products_are_those_of_float8_numbers(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 48).to(dtype)
    layer.weight.data[3] *= 100  # each row has a scale of its own
    x = torch.randn(2, 5, 64).to(dtype) * torch.tensor([1.0, 10.0]).reshape(2, 1, 1).to(dtype)
    with torch.no_grad():
        made = MultipliedLinear(layer.weight, layer.bias, dtype)(x)
        exact = rounded(x.reshape(10, 64)) @ rounded(layer.weight).T + layer.bias.double()
        whole = layer(x)
    assert made.dtype == dtype
    assert made.shape == whole.shape
    size = exact.abs().amax(dim=1, keepdim=True)
    few = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}[dtype]
    assert float(((made.reshape(10, 48).double() - exact).abs() / size).max()) < few
    assert 0 < float((made - whole).norm() / whole.norm()) < 0.06


def test_rows_of_nothing_stay_nothing() -> None:
    data, scale = in_float8(torch.zeros(2, 16))
    assert not (data.float() * scale).any()


def test_layers_whose_sides_do_not_fit_stay_as_they_are() -> None:
    few = StoredLinear(Packed(torch.zeros(32, 16).to(FLOAT8), (32, 16)), None, torch.float32)
    assert fits(nn.Linear(16, 32))
    assert fits(few)
    assert not fits(nn.Linear(24, 32))
    network = nn.Sequential(nn.Linear(16, 32), nn.Linear(32, 20))
    multiply_in_float8(network)
    assert [type(layer) for layer in network] == [MultipliedLinear, nn.Linear]


def test_it_makes_nearly_the_same_clip_under_another_key(tmp_path: Path) -> None:
    folder = tiny_wan.write_text_to_video(tmp_path / "m")
    torch.manual_seed(0)
    WanTransformer3DModel(**SIZES, num_layers=2).save_pretrained(folder / "transformer")
    models = components(folder)
    eighths = held(models.dit, "float8 matmul")
    assert content_digest(eighths) != content_digest(models.dit)
    assert lossy(eighths) == "held and multiplied in float8, which changes the result"
    module = load(eighths)
    assert sum(isinstance(layer, MultipliedLinear) for layer in module.modules()) >= 20
    text = encode_text(models.text_encoder, Text("a cat"), ctx=Bench())
    canvas = noise_patches(models.dit, models.vae, width=64, height=48, frames=5)
    whole, few = (
        torch.as_tensor(sample(dit, canvas, text, ctx=Bench(), steps=4, guidance=3.0, shift=0).patches.tokens)
        for dit in (models.dit, eighths)
    )
    assert 0 < float((whole - few).norm() / whole.norm()) < 0.1


def test_a_text_encoder_is_only_stored_so(tmp_path: Path) -> None:
    encoder = components(tiny_wan.write_text_to_video(tmp_path / "m")).text_encoder
    assert held(encoder, "float8 matmul") == replace(encoder, precision="float8 storage")


def test_a_device_that_cannot_is_refused_with_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    require_float8("cpu")
    with pytest.raises(ValueError, match=r"on mps; it needs a CUDA device, or a CPU\. Choose float8 storage"):
        require_float8("mps")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 6))
    with pytest.raises(ValueError, match=r"compute capability 8\.6; it needs 8\.9"):
        require_float8("cuda:0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 9))
    require_float8("cuda:0")
