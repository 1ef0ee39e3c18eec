"""Where weights are is chosen, foreseen, said beside the result, and another way for whoever asks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_wan
from diffusers import WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

from assets.codec import content_digest
from assets.files import Files
from assets.store import Store
from assets.values import DiT, PatchesSpec
from nodes.api import collected_warnings
from nodes.families import footprint, holding
from nodes.families.nodes import load_weights_spec
from nodes.families.registry import components
from nodes.machine import card_bytes
from nodes.models import load as load_model
from nodes.models.handles import by_weights
from nodes.registry import library
from nodes.streaming import Streamed
from pipelines.document import Document, load
from pipelines.events import Event
from pipelines.executors import memory
from pipelines.executors.local import LocalExecutor
from pipelines.executors.placement import memory_plan
from pipelines.executors.task import counted
from pipelines.forecast import Forecaster
from pipelines.work_memory import WorkMemory

from test_shipped import FOLDER, SMALL, smaller  # isort: skip

GB = 10**9
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
    return changed(changed(document, "models", memory=memory), "sampler", seed=seed)


def changed(document: Document, node: str, **params: object) -> Document:
    record = document.nodes[node]
    return Document({**document.records, f"node:{node}": {**record, "params": {**record["params"], **params}}})


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
            foreseen = forecaster.forecast(document).to_json()["memory"]
            assert any(line.startswith(f"sampler: {where}") for line in foreseen)
            run = executor.submit(document)
            assert executor.wait(run).failed == {}
            (label,) = filter(None, said[run])
            assert label.startswith(where)
    finally:
        executor.close()
        forecaster.close()


def told(event: Event) -> str | None:
    return event.memory if event.node == "sampler" else None


def test_each_model_of_a_run_is_planned(models: Path, tmp_path: Path) -> None:
    files, store = Files((), tmp_path / "outputs", (models,)), Store(tmp_path / "store")
    forecaster = Forecaster(tmp_path / "m.db", library(), store, files, "cpu")
    executor = LocalExecutor(store, files)
    said: dict[str | None, str | None] = {}
    executor.subscribe(lambda event: said.update({event.node: event.memory}) if event.memory else None)
    try:
        document = text_to_video("streamed")
        plans = forecaster.forecast(document).memory
        assert executor.wait(executor.submit(document)).failed == {}
    finally:
        executor.close()
        forecaster.close()
    ways = {node: (plan.way, plan.asked) for node, plan in plans.items()}
    asked, vae = ("streamed", True), ("resident", False)
    assert ways == {"encode": asked, "sampler": asked, "decode": vae}
    assert said.keys() == ways.keys(), "what was foreseen is said under the same nodes"
    assert all(str(said[node]).startswith("weights streamed") == (ways[node] == asked) for node in ways)
    assert all(plan.work and plan.weights for plan in plans.values())


def test_what_streamed_weights_take_on_the_device_is_foreseen(tmp_path: Path) -> None:
    folder = tiny_wan.write_text_to_video(tmp_path / "deep")
    sizes = {"num_attention_heads": 2, "attention_head_dim": 12, "text_dim": 32, "freq_dim": 32, "ffn_dim": 48}
    WanTransformer3DModel(**sizes, num_layers=8).save_pretrained(folder / "transformer")
    UMT5EncoderModel(
        UMT5Config(vocab_size=128, d_model=32, d_kv=8, d_ff=64, num_layers=8, num_heads=4)
    ).save_pretrained(folder / "text_encoder")
    found = components(folder)
    for handle in (found.text_encoder, found.dit):
        module = load_model(handle)
        turns = sum(buffer.nbytes for name, buffer in module.named_buffers() if "rope" in name)  # small at true sizes
        taken = Streamed(module, "cpu").bytes - turns
        assert footprint.blocks(handle) == pytest.approx(taken, rel=0.15)
        assert taken < footprint.weights(handle) / 2


def test_a_text_encoder_that_fills_the_card_is_streamed_and_a_vae_is_not() -> None:
    encoder = memory_plan(11 * GB, 12 * GB, "cuda:0", work=GB + 1, blocks=3 * GB)
    assert (encoder.way, encoder.peak) == ("streamed", 4 * GB + 1)
    vae = memory_plan(GB, 12 * GB, "cuda:0", work=15 * GB, blocks=GB)
    assert vae.way == "resident"
    assert str(vae).endswith("of 12.0 GB; that is more than there is, so that it may fail or lose something")


def test_a_long_clip_is_planned_by_its_window(dit: DiT, work_memory: WorkMemory) -> None:
    node, widgets = library()["sample_windows"], {"window": 5, "overlap": 2}
    whole = work_memory.foreseen(node, dit, {"patches": canvas(42)}) or 0
    window = work_memory.foreseen(node, dit, {"patches": canvas(42), **widgets}) or 0
    assert window == work_memory.foreseen(node, dit, {"patches": canvas(5)})
    assert whole > 4 * window
    work_memory.learn(node, dit, {"patches": canvas(42), **widgets}, 1.0, 3_000)
    assert work_memory.foreseen(node, dit, {"patches": canvas(420), **widgets}) == 3_000


def test_float8_is_chosen_only_where_nothing_holds_the_weights_and_makes_another_result(
    models: Path, dit: DiT, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(precision: str, host: int, card: int | None) -> tuple[str, str, list[str]]:
        monkeypatch.setattr(holding, "host_bytes", lambda: host)
        monkeypatch.setattr(holding, "card_bytes", lambda: card)
        files = Files((), models, (models,))
        asked: dict[str, Any] = {"model": MODEL, "precision": precision, "memory": "automatic", "files": files}
        with collected_warnings() as said:
            made = load_weights_spec(**asked)
        return made.dit.precision, by_weights(load_weights_spec)(**asked), said

    size = footprint.weights(dit)
    as_stored = loaded("as stored", host=1, card=None)
    assert as_stored[0] == "as stored"
    assert loaded("automatic", host=2 * size, card=None) == loaded("automatic", host=1, card=2 * size) == as_stored
    precision, content, said = loaded("automatic", host=size, card=size // 2)
    assert precision == "float8 storage"
    assert content != as_stored[1]
    assert "held in float8, which changes the result" in said[0]


def test_weights_in_float8_are_said_to_change_the_result(models: Path, tmp_path: Path) -> None:
    files = Files((), tmp_path / "outputs", (models,))
    forecaster = Forecaster(tmp_path / "m.db", library(), Store(tmp_path / "store"), files, "cpu")
    for precision, lossy in (("as stored", False), ("float8 storage", True)):
        document = changed(text_to_video("automatic"), "models", precision=precision)
        lines = forecaster.forecast(document).to_json()["memory"]
        said = [line for line in lines if line.endswith("held in float8, which changes the result")]
        assert [line.partition(":")[0] for line in said] == (["encode", "sampler"] if lossy else [])
    forecaster.close()


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
    before = work_memory.foreseen(SAMPLE, dit, {"patches": canvas(21)})
    assert before == footprint.work(dit, canvas(21))
    work_memory.learn(SAMPLE, dit, {"patches": canvas(21)}, 1.0, 3_000)
    assert work_memory.foreseen(SAMPLE, dit, {"patches": canvas(21)}) == 3_000
    assert work_memory.foreseen(SAMPLE, dit, {"patches": canvas(42)}) == 6_000
    assert work_memory.foreseen(SAMPLE, replace(dit, digest="another"), {"patches": canvas(21)}) == before


def test_what_an_accelerator_has_is_told_by_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\n[ "$3" = --id=1 ] && echo 24564 || echo "No devices were found"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    card_bytes.cache_clear()
    assert memory.told_capacity("cuda:1") == 24564 * 1024**2
    assert memory.told_capacity("cuda:7") is None
    card_bytes.cache_clear()
