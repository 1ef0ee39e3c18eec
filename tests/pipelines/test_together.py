"""Runs that go on together: each ends as alone, what they share is done once, small samplings share forwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from bench import Bench as InProcess
from engine_bench import TIMEOUT, Bench, changed, workflow

import pipelines
from assets.values import Conditioning, DiT, Patches
from nodes.dit.nodes import sample
from nodes.registry import library
from pipelines.document import Document, load
from pipelines.executors.part import Summary
from pipelines.queue import Entry, Queue
from pipelines.queue.together import pays_together
from pipelines.sweep import seeds

IMAGE = Path(pipelines.__file__).parent / "library" / "text_to_image.loom.json"
ENDLESS = 10**9


@pytest.fixture(scope="module")
def queue(studio: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    queue = Queue(tmp_path_factory.mktemp("queue"), studio.executor, library(), studio.store, studio.files)
    queue.start()
    yield queue
    queue.close()


def batch(queue: Queue, name: str, steps: int, first_seed: int) -> list[Entry]:
    document = changed(load(IMAGE), "sampler", steps=steps, seed=first_seed)
    return queue.add_batch(name, seeds(document, library(), 3), ["decode"])


def outputs(bench: Bench, document: Document) -> dict[str, dict[str, str]]:
    """Of a workflow that has run."""
    found = bench.run(document, {"decode"})
    assert found.ran == ()
    return found.outputs


def as_alone(bench: Bench, document: Document) -> bool:
    """Whether what the sampler made of a workflow is what it makes by itself."""
    made = outputs(bench, document)
    dit, canvas, text, patches = (
        bench.store.get(made[node][output], "torch")
        for node, output in (
            ("models", "dit"),
            ("canvas", "patches"),
            ("encode", "conditioning"),
            ("sampler", "patches"),
        )
    )
    assert isinstance(dit, DiT)
    assert isinstance(canvas, Patches)
    assert isinstance(patches, Patches)
    assert isinstance(text, Conditioning)
    widgets: dict[str, Any] = document.nodes["sampler"]["params"]
    alone = sample(dit, canvas, text, ctx=InProcess(), **widgets).patches
    return torch.allclose(torch.as_tensor(patches.tokens), torch.as_tensor(alone.tokens), atol=1e-4)


def test_a_batch_of_small_images_goes_on_together_and_each_ends_as_alone(studio: Bench, queue: Queue) -> None:
    runs = [queue.wait(run.id, TIMEOUT) for run in batch(queue, "batch", 8, first_seed=100)]
    assert [run.state for run in runs] == ["done"] * 3
    assert [set(run.result["nodes"]) & {"sampler", "decode"} for run in runs] == [{"sampler", "decode"}] * 3
    assert sum("encode" in run.result["nodes"] for run in runs) == 1
    kinds = [event.kind for event in studio.events if event.node == "sampler" and event.kind in ("started", "done")]
    assert kinds == ["started"] * 3 + ["done"] * 3
    for run in runs:
        assert as_alone(studio, queue.book.document(run.id))
    made_on = {entry.device for entry in studio.store.entries() if entry.node_type == "sample"}
    assert made_on == {"cpu, together"}


def test_cancelling_one_of_a_batch_leaves_the_others_going(studio: Bench, queue: Queue) -> None:
    sampling = studio.when(lambda event: event.kind == "step" and event.node == "sampler")
    runs = batch(queue, "cancelled", 40, first_seed=200)
    assert sampling.wait(TIMEOUT)
    queue.cancel(runs[1].id)
    ended = [queue.wait(run.id, TIMEOUT) for run in runs]
    assert [run.state for run in ended] == ["done", "cancelled", "done"]
    for run in (runs[0], runs[2]):
        assert as_alone(studio, queue.book.document(run.id))


def test_only_what_is_faster_together_goes_on_together(studio: Bench) -> None:
    image = load(IMAGE)
    large = changed(image, "canvas", width=256, height=256)
    skipping = changed(image, "sampler", lossy_skip=0.1)
    pays = [pays_together(each, library(), studio.files, "cpu") for each in (image, large, skipping)]
    assert pays == [True, False, False]
    assert not pays_together(image, library(), studio.files, "cuda:0")


def submit(bench: Bench, *documents: Document) -> list[str]:
    return bench.executor.submit_together([(document, None) for document in documents])


def ends(bench: Bench, names: list[str]) -> list[Summary]:
    return [bench.executor.wait(name, TIMEOUT) for name in names]


def test_what_runs_have_in_common_is_computed_once_and_one_that_fails_fails_alone(bench: Bench) -> None:
    words = {"w": ("words", {"text": "in common"})}
    good = workflow({**words, "s": ("shout", {})}, "w.text -> s.text")
    bad = workflow({**words, "x": ("explode", {})}, "w.text -> x.text")
    first, second = ends(bench, submit(bench, bad, good))
    assert (first.ran, first.cached, set(first.failed)) == (("w",), (), {"x"})
    assert (second.ran, second.cached, second.failed) == (("s",), ("w",), {})


def test_a_run_that_is_over_is_told_while_the_others_go_on(bench: Bench) -> None:
    endless = workflow({"n": ("noise", {"seed": 71}), "r": ("refine", {"steps": ENDLESS})}, "n.latent -> r.latent")
    short = workflow({"n": ("noise", {"seed": 72})})
    names = submit(bench, endless, short)
    assert bench.executor.wait(names[1], TIMEOUT).ran == ("n",)
    assert bench.executor.ended(names, TIMEOUT).keys() == {names[1]}
    bench.executor.cancel(names[0])
    assert bench.executor.wait(names[0], TIMEOUT).cancelled == ("r",)


def test_a_node_that_ends_every_worker_fails_its_own_run_alone(bench: Bench) -> None:
    dies = workflow({"w": ("words", {"text": "dies among others"}), "d": ("die", {})}, "w.text -> d.text")
    lives = workflow({"n": ("noise", {"seed": 73}), "r": ("refine", {"steps": 3})}, "n.latent -> r.latent")
    first, second = ends(bench, submit(bench, dies, lives))
    assert set(first.failed) == {"d"}
    assert second.failed == {}
    assert {*second.ran, *second.cached} == {"n", "r"}
