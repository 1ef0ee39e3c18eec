"""Where weights are is chosen, foreseen, said beside the result, and another way for whoever asks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_wan

from assets.codec import content_digest
from assets.files import Files
from assets.store import Store
from assets.values import DiT, PatchesSpec
from nodes.families import footprint
from nodes.families.registry import components
from nodes.registry import library
from pipelines.document import Document, load
from pipelines.events import Event
from pipelines.executors import memory
from pipelines.executors.local import LocalExecutor
from pipelines.executors.memory import told_capacity
from pipelines.executors.task import counted
from pipelines.forecast import Forecaster
from pipelines.work_memory import WorkMemory

from test_shipped import FOLDER, SMALL, smaller  # isort: skip

MODEL = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
SAMPLE = library()["sample"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_wan.write_text_to_video(folder / MODEL)
    return folder


@pytest.fixture
def dit(models: Path) -> DiT:
    return components(models / MODEL).dit


@pytest.fixture
def work_memory(tmp_path: Path) -> Iterator[WorkMemory]:
    made = WorkMemory(tmp_path, "cuda:0")
    yield made
    made.close()


def canvas(frames: int) -> PatchesSpec:
    return PatchesSpec(((frames, 30, 52),), 64, (1, 2, 2), "wan-16", 16.0)


def text_to_video(memory: str, seed: int = 0) -> Document:
    document = smaller(load(FOLDER / "wan_text_to_video.loom.json"), SMALL)
    records = dict(document.records)
    records["node:models"]["params"]["memory"] = memory
    records["node:sampler"]["params"]["seed"] = seed
    return Document(records)


def test_the_choice_is_foreseen_and_said_beside_the_result(models: Path, tmp_path: Path) -> None:
    files, store = Files((), tmp_path / "outputs", (models,)), Store(tmp_path / "store")
    forecaster = Forecaster(tmp_path / "m.db", library(), store, files, "cpu")
    executor = LocalExecutor(store, files)
    said: dict[str | None, list[str | None]] = {}
    executor.subscribe(lambda event: said.setdefault(event.run, []).append(told(event)))
    try:
        for seed, (memory, where) in enumerate(
            [
                ("automatic", "weights on the device: "),
                ("streamed", "weights streamed block by block, as asked: "),
            ]
        ):
            document = text_to_video(memory, seed)
            (foreseen,) = forecaster.forecast(document).to_json()["memory"]
            assert foreseen.startswith(f"sampler: {where}")
            run = executor.submit(document)
            assert executor.wait(run).failed == {}
            (label,) = filter(None, said[run])
            assert label.startswith(where)
    finally:
        executor.close()
        forecaster.close()


def told(event: Event) -> str | None:
    return event.memory if event.node == "sampler" else None


def test_another_way_to_hold_the_weights_samples_nothing_anew(models: Path, tmp_path: Path) -> None:
    executor = LocalExecutor(Store(tmp_path / "store"), Files((), tmp_path / "outputs", (models,)))
    said: list[str | None] = []
    executor.subscribe(lambda event: said.append(told(event)))
    try:
        first = executor.wait(executor.submit(text_to_video("automatic")))
        again = executor.wait(executor.submit(text_to_video("streamed")))
        assert set(again.ran) == {"models"}
        assert again.outputs["decode"] == first.outputs["decode"]
        said.clear()
        other = executor.wait(executor.submit(text_to_video("streamed", seed=1)))
        assert "sampler" in other.ran
        assert "as asked" in next(filter(None, said)), "what does run has the weights where they were asked for"
    finally:
        executor.close()


def test_a_node_that_hands_a_model_on_hands_on_where_it_is_to_be(dit: DiT, tmp_path: Path) -> None:
    store = Store(tmp_path)
    asked = store.put(replace(dit, memory="streamed"))
    assert counted(library()["load_lora"], {"dit": asked}, store) == {"dit": asked}
    assert counted(SAMPLE, {"dit": asked}, store) == {"dit": content_digest(dit)}
    eighths = store.put(replace(dit, precision="float8 storage"))
    assert counted(SAMPLE, {"dit": eighths}, store) == {"dit": eighths}


def test_only_what_is_asked_for_makes_another_handle(dit: DiT) -> None:
    asked = replace(dit, memory="streamed")
    assert content_digest(replace(asked, memory="automatic")) == content_digest(dit) != content_digest(asked)


def test_work_is_foreseen_by_its_sizes_until_it_was_measured(dit: DiT, work_memory: WorkMemory) -> None:
    before = work_memory.foreseen(SAMPLE, dit, [dit, canvas(21)])
    assert before == footprint.work(dit, canvas(21))
    work_memory.learn(SAMPLE, dit, [dit, canvas(21)], 1.0, 3_000)
    assert work_memory.foreseen(SAMPLE, dit, [dit, canvas(21)]) == 3_000
    assert work_memory.foreseen(SAMPLE, dit, [dit, canvas(42)]) == 6_000
    assert work_memory.foreseen(SAMPLE, replace(dit, digest="another"), [canvas(21)]) == before


def test_what_an_accelerator_has_is_told_by_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\n[ "$3" = --id=1 ] && echo 24564 || echo "No devices were found"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    told_capacity.cache_clear()
    assert memory.told_capacity("cuda:1") == 24564 * 1024**2
    assert memory.told_capacity("cuda:7") is None
