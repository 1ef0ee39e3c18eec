"""Every family's VAE works in tiles, which take turns without minding each other."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_cogvideox
import tiny_hunyuan
import tiny_ltx
import tiny_mochi
import tiny_wan
import torch
from bench import loaded

from nodes.families.registry import components
from nodes.video_vae.tiles import decoded, encoded

FAMILIES: dict[str, Callable[[Path], Path]] = {
    "wan": tiny_wan.write_text_to_video,
    "wan 5b": tiny_wan.write_5b,
    "ltx": tiny_ltx.write,
    "cogvideox": lambda folder: tiny_cogvideox.write(folder, "2b"),
    "hunyuan": tiny_hunyuan.write,
    "mochi": tiny_mochi.write,
}
SIDE = 8


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_tiles_of_a_familys_vae_come_out_as_each_by_itself(family: str, tmp_path: Path) -> None:
    vae = components(FAMILIES[family](tmp_path / "m")).vae
    model = loaded(vae)
    latent = torch.randn(1, vae.channels, 3, 2, 10, generator=torch.Generator().manual_seed(0))
    left, right = (torch.cat(list(model.decode_chunks(part.split(2, dim=2))), dim=2)
                   for part in (latent[..., :SIDE], latent[..., -SIDE:]))  # fmt: skip
    tiled = torch.cat(list(decoded(model, latent.split(2, dim=2), SIDE)), dim=2)
    whole = torch.cat(list(decoded(model, latent.split(2, dim=2), 0)), dim=2)
    assert tiled.shape == whole.shape
    cell = vae.stride[2]
    torch.testing.assert_close(tiled[..., : 2 * cell], left[..., : 2 * cell])
    torch.testing.assert_close(tiled[..., -2 * cell :], right[..., -2 * cell :])

    pixels = whole[:, :, :1]
    assert encoded(model, pixels, SIDE, cell).shape == model.encode(pixels).shape
