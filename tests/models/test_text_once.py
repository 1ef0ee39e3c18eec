"""What a transformer makes of the text alone is made once a run, and nothing else comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_ltx
import tiny_skyreels
import tiny_wan
import torch
from bench import Bench, loaded
from diffusers import ModelMixin
from parity import make
from torch import Tensor, nn

from nodes.families import footprint
from nodes.families.once import text_layers
from nodes.families.registry import components
from nodes.streaming import Streamed

from test_wan_images import canvas, picture  # isort: skip
from test_wan_vace import by_mask  # isort: skip

STEPS, TEXTS = 3, 2
LTX = {"size": {"frames": 9, "height": 64, "width": 96}, "sampler": "euler"}


def from_image(folder: Path) -> dict[str, Any]:
    return {"canvas": canvas(folder, picture(0)), "pictures": (picture(0),)}


def plain(folder: Path) -> dict[str, Any]:
    return {}


CASES: dict[str, tuple[Callable[[Path], Path], Callable[[Path], dict[str, Any]]]] = {
    "wan": (tiny_wan.write_text_to_video, plain),
    "wan, two experts": (lambda path: tiny_wan.write_text_to_video(path, experts=2, boundary=0.9), plain),
    "wan, from an image": (tiny_wan.write_image_to_video, from_image),
    "wan vace": (tiny_wan.write_vace, lambda path: {"canvas": by_mask(components(path))}),
    "skyreels": (lambda path: tiny_skyreels.write(path, forced=True), plain),
    "ltx": (tiny_ltx.write, lambda path: LTX),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:To copy construct from a tensor")
def test_keys_and_values_of_a_text_are_made_once_and_the_clip_is_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, asked = CASES[name]
    folder = write(tmp_path / "model")
    ran: Counter[nn.Module] = Counter()
    linear = nn.Linear.forward

    def counted(layer: nn.Linear, x: Tensor) -> Tensor:
        ran[layer] += 1
        return linear(layer, x)

    monkeypatch.setattr(nn.Linear, "forward", counted)
    networks = [each for each in loaded(components(folder).dit).modules() if isinstance(each, ModelMixin)]
    read = [layer for network in networks for layers in text_layers(network).values() for layer in layers]
    layers = [layer for layer in read if isinstance(layer, nn.Linear)]
    assert layers

    def latent(tokens_a_row: int) -> tuple[Tensor, list[int]]:
        monkeypatch.setattr(footprint, "PAYS", tokens_a_row)
        ran.clear()
        made = make(folder, steps=STEPS, negative="a dog", bench=Bench(), **asked(folder))
        return torch.as_tensor(made.latent.data), [ran[layer] for layer in layers]

    (each_time, often), (once, seldom) = latent(0), latent(10**6)
    assert torch.equal(once, each_time)
    assert sum(often) >= STEPS * TEXTS * len(layers) / (2 if "experts" in name else 1)
    assert set(seldom) == {TEXTS}


def test_nothing_is_read_ahead_by_blocks_whose_weights_are_elsewhere() -> None:
    network = tiny_wan.transformer()
    assert text_layers(network)
    streamed = Streamed(network, "cpu")
    assert not text_layers(network)
    streamed.end()
    assert text_layers(network)


def test_nothing_is_kept_of_a_text_beside_a_clip_so_large_that_little_is_won() -> None:
    assert footprint.pays(tokens=4096, rows=512)
    assert not footprint.pays(tokens=32760, rows=512)
