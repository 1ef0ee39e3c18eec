"""A DiT whose blocks are compiled: the same clip, and the page says what compiling took."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_bench import Bench, changed
from test_library import LIBRARY

from assets.values import Latent
from assets.weight_files import BUILTIN
from nodes.compiling import compile_blocks, seconds_compiling
from nodes.dit.model import DiT
from nodes.dit.model import load as load_dit
from nodes.models.handles import FAMILY
from pipelines.document import load
from pipelines.executors import models
from pipelines.executors.models import COMPILE


@pytest.fixture
def dit() -> DiT:
    torch.compiler.reset()
    return load_dit(BUILTIN / "dit.safetensors")


def predicted(dit: DiT, tokens: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(tokens)
    config = dit.config
    x = torch.randn(2, tokens, config.token_width, generator=draw)
    text = torch.randn(2, 5, config.text_width, generator=draw)
    with torch.inference_mode():
        return dit(x, torch.rand(2, tokens, 3, generator=draw), x[..., 0].sigmoid(), text, torch.ones(2, 5).bool())


def test_blocks_are_compiled_once_for_all_sizes_and_predict_what_they_did(dit: DiT) -> None:
    sizes = (80, 12, 140)
    before = [predicted(dit, tokens) for tokens in sizes]
    compile_blocks(dit, "eager")
    made = torch._dynamo.utils.counters["stats"]
    made.clear()
    for tokens, expected in zip(sizes, before, strict=True):
        torch.testing.assert_close(predicted(dit, tokens), expected, rtol=0, atol=1e-5)
    assert made["unique_graphs"] == 1


def test_a_compiler_that_there_is_not_is_refused(dit: DiT) -> None:
    with pytest.raises(ValueError, match=r"Got 'inducer' to compile models by; needs off, or one of .*inductor"):
        compile_blocks(dit, "inducer")


def test_blocks_are_compiled_where_there_is_a_card_and_what_makes_kernels_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for triton, backend in ((None, ""), ("there", "inductor")):
        monkeypatch.setattr(models, "find_spec", lambda name, found=triton: found if name == "triton" else None)
        assert models.compiler("cuda:0", "wan") == backend
        assert models.compiler("cuda:0", FAMILY) == ""
        assert models.compiler("cpu", "wan") == ""
    monkeypatch.setenv(COMPILE, "off")
    assert models.compiler("cuda:0", "wan") == ""
    monkeypatch.setenv(COMPILE, "eager")
    assert models.compiler("cpu", FAMILY) == "eager"


def test_a_thread_counts_what_it_waited_for_itself(dit: DiT) -> None:
    def elsewhere() -> None:
        before.append(seconds_compiling())
        predicted(dit, 30)
        before.append(seconds_compiling())

    before: list[float] = []
    compile_blocks(dit, "eager")
    here = seconds_compiling()
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert before[0] == 0 < before[1]
    assert seconds_compiling() == here


def test_what_compiling_took_is_said_beside_the_first_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = changed(load(LIBRARY / "text_to_image.loom.json"), "sampler", steps=2)
    latents = []
    for backend in ("", "eager"):
        monkeypatch.setenv(COMPILE, backend)
        bench = Bench(tmp_path / f"bench {backend}", nodes="nodes.registry")
        try:
            summary = bench.run(document)
            value = bench.store.get(summary.outputs["unpatchify"]["latent"])
            told = [event.memory for event in bench.events if event.memory]
            again = changed(document, "sampler", seed=7)
            bench.events.clear()
            bench.run(again)
            told_again = [event.memory for event in bench.events if event.memory]
        finally:
            bench.close()
        assert isinstance(value, Latent)
        latents.append(np.asarray(value.data))
        assert bool(told) == bool(backend)
        assert told_again == (["blocks compiled by eager"] if backend else [])
    assert told[0].startswith("blocks compiled by eager; compiling the model took ")
    np.testing.assert_allclose(*latents, rtol=0, atol=1e-4)
