"""Steps of which families may be recorded as a CUDA graph: nothing in them waits for the device."""

from __future__ import annotations

from typing import Any

import pytest
import variants
from bench import Bench
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from variants import VARIANTS

from nodes.dit import sampling
from nodes.dit.nodes import sample
from nodes.levers import Levered
from nodes.models import load
from nodes.streaming import Streamed

pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast", "ignore:To copy construct from a tensor")
WAITS = ("aten._local_scalar_dense.default", "aten.nonzero.default", "aten.masked_select.default")


class Watch(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.waited: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.waited += [str(function)] if str(function) in WAITS else []
        return function(*args, **(kwargs or {}))


class Watched(Levered):
    seen: list[tuple[bool, list[str]]]

    def __init__(self, predict: Any, device: str, alike: bool) -> None:
        super().__init__(predict, device, alike)
        self.alike = alike

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        with Watch() as watch:
            made = super().__call__(x, t)
        self.seen.append((self.alike, watch.waited))
        return made


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, list[str]]]:
    Watched.seen = []
    monkeypatch.setattr(sampling, "Levered", Watched)
    return Watched.seen


def run(name: str, module: Any = None) -> None:
    asked, bench = variants.asked(name, VARIANTS[name].does[0]), Bench()
    if module is not None:
        bench.model = lambda handle: module
    told = {"steps": 2, "guidance": 3.0, "sampler": VARIANTS[name].sampler, "shift": 0}
    sample(asked.dit, asked.canvas, asked.text, ctx=bench, **told)


@pytest.mark.parametrize(
    "name", ["Wan 2.1 I2V", "SkyReels-V2 DF", "LTX-Video 0.9.5", "CogVideoX 5B", "HunyuanVideo", "Mochi"]
)
def test_nothing_in_a_step_waits_for_the_device(name: str, seen: list[tuple[bool, list[str]]]) -> None:
    run(name)
    assert seen == [(True, [])] * 2


def test_two_experts_and_weights_that_come_block_by_block_are_not_recorded(seen: list[tuple[bool, list[str]]]) -> None:
    run("Wan 2.2 A14B T2V")
    dit = variants.asked("Wan 2.1 T2V", "text").dit
    module = load(dit, "cpu")
    streamed = Streamed(module, "cpu")
    run("Wan 2.1 T2V", module)
    assert [alike for alike, _ in seen] == [False] * 4
    streamed.end()
    run("Wan 2.1 T2V", module)
    assert seen[-1][0]
