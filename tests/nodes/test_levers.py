"""What makes a step faster on a CUDA device: chosen, named, and given up with a sentence where it cannot be."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.exc import TensorifyScalarRestartAnalysis
from torch.nn.attention import SDPBackend

from nodes import compiling, levers
from nodes.compiling import Compiled, as_they_are, compile_blocks
from nodes.dit.skipping import Part
from nodes.families.skipping import skipping
from nodes.graphs import WARM, CudaRecording, Predict, Replayed
from nodes.levers import Levered, kernels, wanted


class Again:
    """A recording for a CPU, which cannot record: it makes it again, from the same inputs into the same place."""

    def __init__(self, predict: Predict, x: Tensor, t: Tensor) -> None:
        self._work = predict, x, t
        self.made = predict(x, t)

    def replay(self) -> None:
        again, x, t = self._work
        self.made.copy_(again(x, t))


def predict(x: Tensor, t: Tensor) -> Tensor:
    return x * t + t.sin()


def steps(count: int) -> Iterator[tuple[Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(0)
    return ((torch.randn(1, 6, 4, generator=draw), torch.rand(1, 1, 1, generator=draw)) for _ in range(count))


def test_what_is_played_is_what_is_computed_and_nothing_is_handed_out_twice() -> None:
    replayed = Replayed(predict, Again)
    made = [(replayed(x, t), predict(x, t)) for x, t in steps(6)]
    assert replayed.plays
    for one, expected in made:
        torch.testing.assert_close(one, expected, rtol=0, atol=0)
    other = torch.randn(1, 3, 4), torch.rand(1, 1, 1)
    torch.testing.assert_close(replayed(*other), predict(*other))


def test_where_nothing_can_be_recorded_it_goes_on_and_says_so() -> None:
    replayed = Replayed(predict, CudaRecording)
    if torch.cuda.is_available():
        pytest.skip("it can be recorded here, but of what lies on the device")
    for x, t in steps(WARM + 3):
        torch.testing.assert_close(replayed(x, t), predict(x, t), rtol=0, atol=0)
    assert replayed.failed.startswith("no CUDA graph: ")


def test_a_recording_that_makes_something_else_is_dropped() -> None:
    class Wrong(Again):
        def replay(self) -> None:
            self.made += 1

    replayed = Replayed(predict, Wrong)
    for x, t in steps(WARM + 3):
        torch.testing.assert_close(replayed(x, t), predict(x, t), rtol=0, atol=0)
    assert replayed.failed == "no CUDA graph: what it played was not what was computed"


def test_what_is_recorded_of_a_step_along_with_it_is_found_out() -> None:
    class Baked(Again):
        """The level is taken for one that never changes, as a number read on the host would be."""

        def __init__(self, predict: Predict, x: Tensor, t: Tensor) -> None:
            super().__init__(predict, x, t.clone())
            self._work = predict, x, t.clone()

    replayed = Replayed(predict, Baked)
    for x, t in steps(WARM + 3):
        torch.testing.assert_close(replayed(x, t), predict(x, t), rtol=0, atol=0)
    assert replayed.failed == "no CUDA graph: what it played was not what was computed"


def test_a_step_of_another_size_is_computed_wherever_it_comes() -> None:
    for other in range(5):
        replayed = Replayed(predict, Again)
        for step, (x, t) in enumerate(steps(5)):
            seen = x[:, :3] if step == other else x
            torch.testing.assert_close(replayed(seen, t), predict(seen, t), rtol=0, atol=0)
        assert not replayed.failed


def test_a_fault_in_the_work_itself_is_not_taken_for_one_of_the_recording() -> None:
    def faulty(x: Tensor, t: Tensor) -> Tensor:
        raise TypeError("no such thing")

    with pytest.raises(TypeError):
        Replayed(faulty, Again)(torch.ones(1), torch.ones(1))


def test_fast_kernels_come_first_and_the_plain_one_last() -> None:
    assert kernels((9, 0))[0] == SDPBackend.CUDNN_ATTENTION
    assert kernels((8, 9))[0] == SDPBackend.FLASH_ATTENTION
    assert all(kernels(each)[-1] == SDPBackend.MATH for each in ((8, 0), (9, 0), (12, 0)))
    q = torch.randn(1, 2, 5, 8)
    with levers._in_order(kernels((9, 0))):
        made = nn.functional.scaled_dot_product_attention(q, q, q)
    torch.testing.assert_close(made, nn.functional.scaled_dot_product_attention(q, q, q))


def test_on_a_cpu_there_is_nothing_to_pull_and_nothing_to_say() -> None:
    levered = Levered(predict, "cpu", alike=True)
    for x, t in steps(4):
        torch.testing.assert_close(levered(x, t), predict(x, t), rtol=0, atol=0)
    assert str(levered) == ""


def test_kernels_that_fail_at_the_first_step_give_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    tried: list[int] = []

    def fails_once(x: Tensor, t: Tensor) -> Tensor:
        tried.append(1)
        if len(tried) in (1, 5):
            raise RuntimeError("No valid execution plans built\nand where")
        return predict(x, t)

    levered, made = Levered(fails_once, "cuda:0", alike=False), list(steps(4))
    for x, t in made[:3]:
        torch.testing.assert_close(levered(x, t), predict(x, t), rtol=0, atol=0)
    assert str(levered) == (
        "attention not by cuDNN: No valid execution plans built, attention by FlashAttention where it can"
    )
    with pytest.raises(RuntimeError, match="No valid execution plans"):
        levered(*made[3])  # a later fault is none of the kernels'


def test_a_fault_of_the_work_is_raised_whatever_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))

    def full(x: Tensor, t: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def faulty(x: Tensor, t: Tensor) -> Tensor:
        raise RuntimeError("shapes do not fit")

    for work, said in ((full, "out of memory"), (faulty, "shapes do not fit")):
        with pytest.raises(RuntimeError, match=said):
            Levered(work, "cuda:0", alike=False)(torch.ones(1, 2, 3), torch.ones(1, 1))


def test_levers_are_turned_off_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wanted("graphs")
    monkeypatch.setenv(levers.WITHOUT, "graphs, attention")
    assert not wanted("graphs")
    assert not wanted("attention")
    monkeypatch.setenv(levers.WITHOUT, "graph")
    with pytest.raises(ValueError, match="names graph; it needs some of attention, graphs"):
        wanted("graphs")


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, hidden_states: Tensor, encoder_hidden_states: Tensor) -> Tensor:
        added: Tensor = self.linear(hidden_states).tanh() * encoder_hidden_states.mean()
        return hidden_states + added


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.ModuleList(Block() for _ in range(4))

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, text)
        return x


@pytest.fixture
def network() -> Iterator[Network]:
    torch.compiler.reset()
    compiling._compiled.cache_clear()
    yield Network()
    torch.compiler.reset()
    compiling._compiled.cache_clear()


def fails_at_once(graph: torch.fx.GraphModule, inputs: Any) -> Any:
    raise NotImplementedError("no kernels for this\nand much more")


def fails_later(graph: torch.fx.GraphModule, inputs: Any) -> Any:
    def run(*arguments: Tensor) -> Any:
        raise FileNotFoundError("gcc")

    return run


@pytest.mark.parametrize(
    ("backend", "why"), [(fails_at_once, "NotImplementedError: no kernels for this"), (fails_later, "gcc")]
)
def test_a_compiler_that_fails_leaves_the_blocks_as_they_are_and_is_named(
    network: Network, backend: Any, why: str
) -> None:
    x, text = torch.randn(2, 3, 4), torch.randn(2, 5)
    with torch.inference_mode():
        expected = network(x, text)
        compiled = compile_blocks(network, "eager")
        compiled._backend = backend
        for _ in range(2):
            torch.testing.assert_close(network(x, text), expected, rtol=0, atol=0)
    assert "blocks run as they are, since eager could not compile them" in str(compiled)
    assert why in str(compiled)
    assert "much more" not in str(compiled)


def test_what_fails_uncompiled_too_is_not_taken_for_a_fault_of_the_compiler(network: Network) -> None:
    def fails(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        def run(*arguments: Tensor) -> Any:
            raise RuntimeError("no kernel for these sides")

        graph.forward = run
        return run

    compiled = compile_blocks(network, "eager")
    compiled._backend = fails
    with torch.inference_mode(), pytest.raises(RuntimeError, match="no kernel for these sides"):
        network(torch.randn(2, 3, 4), torch.randn(2, 5))
    assert not compiled.failed


def test_a_tracer_that_begins_again_has_not_failed(network: Network) -> None:
    asked: list[int] = []

    def again(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        asked.append(len(inputs))
        if len(asked) == 1:
            raise TensorifyScalarRestartAnalysis
        return graph.forward

    compiled = compile_blocks(network, "eager")
    compiled._backend = again
    with torch.inference_mode():
        network(torch.randn(2, 3, 4), torch.randn(2, 5))
    assert len(asked) > 1
    assert str(compiled) == "blocks compiled by eager"


def test_what_there_is_no_memory_for_is_not_taken_for_a_fault_of_the_compiler(network: Network) -> None:
    def full(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        def run(*arguments: Tensor) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

        return run

    compiled = compile_blocks(network, "eager")
    compiled._backend = full
    with torch.inference_mode(), pytest.raises(torch.OutOfMemoryError):
        network(torch.randn(2, 3, 4), torch.randn(2, 5))
    assert not compiled.failed


def test_compiled_blocks_are_left_out_as_others_are(network: Network) -> None:
    x, text = torch.randn(2, 3, 4), torch.randn(2, 5)

    def sampled() -> list[Tensor]:
        part, made = Part(0.5), []
        with torch.inference_mode():
            for step in range(4):
                with skipping(list(network.blocks), part):
                    made.append(network(x * (1 + step / 10), text))
        assert True in part.asked
        return made

    expected = sampled()
    compiled = compile_blocks(network, "eager")
    for one, other in zip(sampled(), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    assert str(compiled) == "blocks compiled by eager"
    assert all("forward" in block.__dict__ for block in network.blocks), "they are compiled after it as before"
    as_they_are(network)
    assert not any("forward" in block.__dict__ for block in network.blocks)


def test_blocks_that_never_ran_compiled_are_not_said_to_be() -> None:
    assert "could not trace them" in str(Compiled("eager"))
