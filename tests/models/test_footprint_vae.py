"""What a video VAE's work takes is foreseen from sizes alone, within 15 % of what decoding and encoding take."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from alive import Alive
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLLTXVideo,
    AutoencoderKLMochi,
    AutoencoderKLWan,
)

from assets.values import ClipSpec, LatentSpec, VideoVAE
from nodes.families.footprint_vae import vae_work
from nodes.families.wan.vae_sizes import VAES

WAN_48 = VAES[48] | {"base_dim": 160, "decoder_base_dim": 256, "in_channels": 12, "out_channels": 12}
COG = {
    "latent_channels": 16, "block_out_channels": (128, 256, 256, 512), "layers_per_block": 3,
    "down_block_types": ("CogVideoXDownBlock3D",) * 4, "up_block_types": ("CogVideoXUpBlock3D",) * 4,
}  # fmt: skip
CASES: list[Any] = [
    pytest.param("wan.model.WanVAE", AutoencoderKLWan, {}, (4, 8, 8), 16, 9, id="Wan"),
    pytest.param("wan.model.WanVAE", AutoencoderKLWan, WAN_48, (4, 16, 16), 48, 9, id="Wan 5B"),
    pytest.param("hunyuan.vae.HunyuanVAE", AutoencoderKLHunyuanVideo, {}, (4, 8, 8), 16, 9, id="HunyuanVideo"),
    pytest.param("cogvideox.model.CogVAE", AutoencoderKLCogVideoX, COG, (4, 8, 8), 16, 5, id="CogVideoX"),
    pytest.param("ltx.vae.LTXVAE", AutoencoderKLLTXVideo, {}, (8, 32, 32), 128, 7, id="LTX-Video"),
    pytest.param("mochi.vae.MochiVAE", AutoencoderKLMochi, {}, (6, 8, 8), 12, 12, id="Mochi"),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("ours", "kind", "sizes", "stride", "channels", "rows"), CASES)
def test_the_work_of_a_vae_is_foreseen(
    ours: str, kind: Any, sizes: dict[str, Any], stride: tuple[int, int, int], channels: int, rows: int,
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    module, _, name = f"nodes.families.{ours}".rpartition(".")

    def weightless(*_: object) -> Any:
        torch.set_default_dtype(dtype)
        try:
            with torch.device("meta"):
                return kind(**sizes).eval()
        finally:
            torch.set_default_dtype(torch.float32)

    monkeypatch.setattr(importlib.import_module(module), "load_part", weightless)
    more = {"lead": 0, "scale": 0.7} if name == "CogVAE" else {}
    vae = getattr(importlib.import_module(module), name)(Path(), **more).to("meta")
    handle = VideoVAE(module.split(".")[2], "", "", "space", channels, stride)
    latent = LatentSpec(channels, rows, 480 // stride[1], 832 // stride[2], "space", 16.0)
    clip = ClipSpec(1 + (rows - 1) * stride[0], 480, 832, 16.0)

    with torch.inference_mode(), Alive() as decoding:
        data = torch.zeros(1, channels, rows, latent.height, latent.width, device="meta")
        for _ in vae.decode_chunks(data.split(4, dim=2)):
            pass
    with torch.inference_mode(), Alive() as encoding:
        vae.encode(torch.zeros(1, 3, clip.frames, clip.height, clip.width, device="meta"))
    config, number = dict(vae.vae.config), dtype.itemsize
    assert vae_work(handle, latent, config, number) == pytest.approx(decoding.most, rel=0.15)
    assert vae_work(handle, clip, config, number) == pytest.approx(encoding.most, rel=0.15)


def test_of_a_vae_that_nobody_counted_nothing_is_said() -> None:
    vae = VideoVAE("another", "", "", "space", 16, (4, 8, 8))
    assert vae_work(vae, LatentSpec(16, 5, 60, 104, "space", 16.0), {}, 2) is None
