"""Blocks of each family compiled: the same clip, traced whole, once for every size, text and set of weights."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
import variants
from bench import Bench, loaded
from torch import Tensor
from torch._dynamo.utils import counters
from variants import VARIANTS

from assets.values import Text
from nodes import compiling
from nodes.compiling import as_they_are, compile_blocks
from nodes.dit.nodes import sample
from nodes.families import footprint
from nodes.families.registry import components
from nodes.models import load
from nodes.streaming import Streamed
from nodes.text_encoder.nodes import encode_text

pytestmark = [
    pytest.mark.filterwarnings("ignore:In CPU autocast"),
    pytest.mark.filterwarnings("ignore:To copy construct from a tensor"),
]
GRAPHS = {
    "Wan 2.1 T2V": 1,
    "Wan 2.1 I2V": 1,
    "Wan VACE": 3,  # blocks, and VACE's own, of which the first has a layer more
    "SkyReels-V2 DF": 1,
    "LTX-Video 0.9": 2,  # the empty text's single row
    "CogVideoX 2B": 2,  # rows that lie together, and rows that lie apart
    "Mochi": 4,  # the last block makes nothing of the text; rows of it that lie otherwise
}


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    compiling._compiled.cache_clear()
    torch.compiler.reset()
    counters.clear()
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "disabled", True)  # it writes pages for pytest
    yield
    torch.compiler.reset()
    compiling._compiled.cache_clear()


def made(asked: variants.Asked, name: str, module: Any = None, text: Any = None) -> Tensor:
    told = {"steps": 3, "guidance": 3.0, "sampler": VARIANTS[name].sampler, "shift": 0}
    bench = Bench()
    if module is not None:
        bench.model = lambda handle: module
    return torch.as_tensor(sample(asked.dit, asked.canvas, text or asked.text, ctx=bench, **told).patches.tokens)


@pytest.mark.parametrize("name", GRAPHS)
def test_blocks_are_traced_whole_and_once_whatever_the_text_the_step_and_the_size(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = variants.asked(name, VARIANTS[name].does[0])
    longer = small if small.dit.images else _asked_larger(name, monkeypatch)
    words = Text("a boat on a lake, and much that is said of it besides")
    other = small.text if small.dit.images else encode_text(components(variants.folder(name)).text_encoder, words,
                                                            ctx=Bench())  # fmt: skip
    asked = [(small, None), (small, other), (longer, None)]
    before = [made(one, name, text=text) for one, text in asked]
    module = loaded(small.dit)
    compiled = compile_blocks(module, "eager")
    try:
        for (one, text), expected in zip(asked, before, strict=True):
            torch.testing.assert_close(made(one, name, text=text), expected, rtol=0, atol=1e-5)
    finally:
        as_they_are(module)
    assert str(compiled) == "blocks compiled by eager"
    assert not counters["graph_break"]
    assert counters["stats"]["unique_graphs"] == GRAPHS[name]


def _asked_larger(name: str, monkeypatch: pytest.MonkeyPatch) -> variants.Asked:
    size = VARIANTS[name].size
    larger = {**size, "width": size["width"] + 32, "frames": 2 * size["frames"] - 1}
    with monkeypatch.context() as patch:
        patch.setitem(VARIANTS, name, replace(VARIANTS[name], size=larger))
        return variants.asked(name, VARIANTS[name].does[0])


def test_a_text_is_read_once_by_compiled_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "Wan 2.1 T2V"
    asked = variants.asked(name, "text")
    module = load(asked.dit, "cpu")
    read: list[int] = []
    key = module.experts[0].blocks[1].attn2.to_k
    key.register_forward_pre_hook(lambda *_: read.append(1))
    compile_blocks(module, "eager")
    kept = made(asked, name, module)
    assert len(read) == 2, "the text, and the one that is led away from"
    monkeypatch.setattr(footprint, "PAYS", 0)
    torch.testing.assert_close(made(asked, name, module), kept, rtol=0, atol=1e-6)
    assert counters["stats"]["unique_graphs"] == 2


def test_other_weights_of_the_same_shapes_need_no_compiling() -> None:
    """As a LoRA's are, put in and taken out again."""
    name = "LTX-Video 0.9"
    asked = variants.asked(name, "text")
    for turn in range(5):
        module = load(asked.dit, "cpu")
        with torch.no_grad():
            module.transformer.transformer_blocks[0].attn1.to_q.weight.mul_(1 + turn / 10)
        expected = made(asked, name, module)
        compiled = compile_blocks(module, "eager")
        torch.testing.assert_close(made(asked, name, module), expected, rtol=0, atol=1e-5)
        assert str(compiled) == "blocks compiled by eager"
    assert counters["stats"]["unique_graphs"] == GRAPHS[name]


def test_blocks_that_are_streamed_are_compiled_as_well() -> None:
    name = "Wan 2.1 T2V"
    asked = variants.asked(name, "text")
    expected = made(asked, name)
    module = load(asked.dit, "cpu")
    streamed = Streamed(module, "cpu")
    compile_blocks(module, "eager")
    torch.testing.assert_close(made(asked, name, module), expected, rtol=0, atol=1e-5)
    streamed.end()
    torch.testing.assert_close(made(asked, name, module), expected, rtol=0, atol=1e-5)
    assert counters["stats"]["unique_graphs"] == 2, "with the text's keys kept, and without"
    assert not counters["graph_break"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_inductor_makes_the_same_to_rounding() -> None:
    name = "Wan 2.1 T2V"
    asked = variants.asked(name, "text")
    expected = made(asked, name)
    module = load(asked.dit, "cpu")
    compiled = compile_blocks(module, "inductor")
    torch.testing.assert_close(made(asked, name, module), expected, rtol=0, atol=1e-5)
    assert str(compiled) == "blocks compiled by inductor"
    assert counters["inductor"]
