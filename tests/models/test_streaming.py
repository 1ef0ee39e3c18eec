"""A model whose weights come block by block makes what it makes when they are all there."""

from __future__ import annotations

from dataclasses import replace
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
from assets.values.handles import Memory
from nodes.families.registry import components
from nodes.streaming import Streamed, size
from pipelines.executors.memory import usable
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


def deep() -> Deep:
    torch.manual_seed(0)
    return Deep().requires_grad_(False)


def addresses(module: Deep) -> list[int]:
    return [block.weight.data_ptr() for block in module.blocks]


def test_the_block_that_runs_is_there_and_the_next_is_on_its_way() -> None:
    module, x = deep(), torch.randn(2, 8)
    whole, at_home = module(x), addresses(module)
    there: list[list[int]] = []
    streamed = Streamed(module, "cpu")

    def look(*_: object) -> None:
        there.append([i for i, block in enumerate(module.blocks) if block.weight.data_ptr() != at_home[i]])

    for block in module.blocks:
        block.register_forward_pre_hook(look)
    copied = copies(streamed)
    assert torch.equal(module(x), whole)
    assert torch.equal(module(x), whole)
    assert there == [[0], [1], [2], [3]] * 2
    assert addresses(module) == at_home
    assert copied == [0, 1, 2, 3] * 2 + [0], "each once a forward, the first of the next forward ahead"
    assert streamed.bytes == size(module.enter) + 2 * size(module.blocks[0]) < size(module)


def test_blocks_that_run_in_another_order_make_the_same_and_are_foreseen_the_next_time() -> None:
    module, x = deep(), torch.randn(2, 8)

    def backwards() -> torch.Tensor:
        made = x
        for block in reversed(module.blocks):
            made = torch.tanh(block(made))
        return made

    whole = backwards()
    copied = copies(Streamed(module, "cpu"))
    assert torch.equal(backwards(), whole)
    assert copied == [3, 0, 2, 3, 1, 2, 0, 1]  # what came and what was expected after it
    copied.clear()
    assert torch.equal(backwards(), whole)
    assert copied == [3, 2, 1, 0, 3]


def copies(streamed: Streamed) -> list[int]:
    """The places of the blocks that are copied from now on."""
    places: list[int] = []
    copied = streamed._copied

    def note(place: int) -> Any:
        places.append(place)
        return copied(place)

    streamed._copied = note  # type: ignore[method-assign]
    return places


def test_a_block_that_fails_gives_its_weights_back() -> None:
    module = deep()
    at_home = addresses(module)
    Streamed(module, "cpu")
    with pytest.raises(RuntimeError):
        module.blocks[1](torch.randn(2, 3))
    assert addresses(module) == at_home


def test_a_module_that_is_no_longer_streamed_is_an_ordinary_one() -> None:
    module, x = deep(), torch.randn(2, 8)
    whole, at_home = module(x), addresses(module)
    streamed = Streamed(module, "cpu")
    module(x)
    streamed.end()
    copied = copies(streamed)
    assert torch.equal(module(x), whole)
    assert addresses(module) == at_home
    assert copied == []


class Asked(Bench):
    """A context whose models' weights are where that is asked for, and who remembers why."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.models, self.memory = Models("cpu"), memory

    def model(self, handle: ModelHandle) -> Any:
        return self.models.get(replace(handle, memory=self.memory))


def test_a_clip_made_by_streamed_models_is_the_same(tmp_path: Path) -> None:
    folder = tiny_wan.write_text_to_video(tmp_path / "wan")
    resident, streamed = Asked("resident"), Asked("streamed")
    one, other = (make(folder, steps=2, bench=bench) for bench in (resident, streamed))
    assert torch.equal(torch.as_tensor(one.latent.data), torch.as_tensor(other.latent.data))
    assert np.array_equal(one.clip.frames, other.clip.frames)


def test_a_model_goes_where_it_is_asked_for_the_next_time(tmp_path: Path) -> None:
    folder = tiny_wan.write_text_to_video(tmp_path / "wan")
    dit, models = components(folder).dit, Models("cpu")
    ways = []
    for memory in ("automatic", "streamed", "streamed", "resident"):
        with models.using():
            models.get(replace(dit, memory=memory))
        plan = models.plan(dit)
        assert plan
        ways.append(plan.way)
    assert ways == ["resident", "streamed", "streamed", "resident"]


def test_a_model_stays_where_it_is_while_a_node_works_with_it(tmp_path: Path) -> None:
    folder = tiny_wan.write_text_to_video(tmp_path / "wan")
    dit, models = components(folder).dit, Models("cpu")
    with models.using():
        module = models.get(dit)
        assert models.get(replace(dit, memory="streamed")) is module


def test_a_text_encoder_goes_where_the_work_of_another_model_needs_its_room(tmp_path: Path) -> None:
    found, models = components(tiny_wan.write_text_to_video(tmp_path / "wan")), Models("cpu")
    for handle in (found.dit, found.text_encoder):
        with models.using():
            models.get(handle, work=1)
    assert models.has(found.text_encoder)
    with models.using():
        module = models.get(found.dit, work=usable("cpu"))  # it was there already; its work has grown
    assert not models.has(found.text_encoder)
    with models.using():
        assert models.get(found.dit, work=1) is module
