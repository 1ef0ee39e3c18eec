"""A model whose weights come block by block makes what it makes when they are all there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_wan
import torch
from bench import Bench
from parity import make
from torch import nn

from assets.values import ModelHandle
from nodes.streaming import size, stream
from pipelines.executors.models import Models


class Deep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(8, 8)
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.enter(x)
        for block in self.blocks:
            x = torch.tanh(block(x))
        return x


def test_only_the_block_that_runs_is_there() -> None:
    torch.manual_seed(0)
    module, x = Deep().requires_grad_(False), torch.randn(2, 8)
    whole, at_home = module(x), [block.weight.data_ptr() for block in module.blocks]
    there: list[list[int]] = []

    def look(*_: object) -> None:
        there.append([i for i, block in enumerate(module.blocks) if block.weight.data_ptr() != at_home[i]])

    taken = stream(module, "cpu")
    for block in module.blocks:
        block.register_forward_pre_hook(look)
    assert torch.equal(module(x), whole)
    assert there == [[0], [1], [2], [3]]
    assert [block.weight.data_ptr() for block in module.blocks] == at_home
    assert taken == size(module.enter) + size(module.blocks[0]) < size(module)


def test_a_block_that_fails_gives_its_weights_back() -> None:
    module = Deep().requires_grad_(False)
    at_home = [block.weight.data_ptr() for block in module.blocks]
    stream(module, "cpu")
    with pytest.raises(RuntimeError):
        module.blocks[1](torch.randn(2, 3))
    assert [block.weight.data_ptr() for block in module.blocks] == at_home


class Asked(Bench):
    """A context whose models' weights are where that is asked for."""

    def __init__(self, asked: str) -> None:
        super().__init__()
        self.models = Models("cpu", asked=asked)

    def model(self, handle: ModelHandle) -> Any:
        return self.models.get(handle)


def test_a_clip_made_by_streamed_models_is_the_same(tmp_path: Path) -> None:
    folder = tiny_wan.write_text_to_video(tmp_path / "wan")
    resident, streamed = Asked("resident"), Asked("streamed")
    one, other = (make(folder, steps=2, bench=bench) for bench in (resident, streamed))
    assert torch.equal(torch.as_tensor(one.latent.data), torch.as_tensor(other.latent.data))
    assert np.array_equal(one.clip.frames, other.clip.frames)
    assert streamed.models.bytes < resident.models.bytes
