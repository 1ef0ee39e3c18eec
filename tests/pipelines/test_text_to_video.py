"""The shipped text-to-video workflow, whole, through the executor: with the shipped weights, or tiny ones without."""

import importlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_bench import TIMEOUT, Bench

import pipelines
from assets import weight_files
from assets.media import read_clip
from assets.values import Clip
from pipelines.check import check
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, load

WORKFLOW = Path(pipelines.__file__).parent / "library" / "text_to_video.loom.json"
SHIPPED = ("text_encoder", "dit", "video_vae")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An executor with the real nodes."""
    with pytest.MonkeyPatch.context() as patch:
        if not all((weight_files.BUILTIN / f"{kind}.safetensors").is_file() for kind in SHIPPED):
            folder = tmp_path_factory.mktemp("weights")
            patch.syspath_prepend(Path(__file__).parent.parent / "nodes")
            importlib.import_module("tiny_models").write_tiny_models(folder)
            patch.setenv("PATCHLOOM_TEST_WEIGHTS", str(folder))
            patch.setattr(weight_files, "BUILTIN", folder)
        bench = Bench(tmp_path_factory.mktemp("studio"), nodes="workflow_nodes")
        yield bench
        bench.close()


def changed(document: Document, node: str, **params: Any) -> Document:
    record = document.nodes[node]
    new = {**record, "params": {**record["params"], **params}}
    return apply(document, RecordsDiff(updated={f"node:{node}": (record, new)}))


@pytest.fixture(scope="module")
def text_to_video() -> Document:
    return changed(load(WORKFLOW), "sampler", steps=3)


def test_the_workflow_has_no_problem_and_a_spec_on_every_wire(studio: Bench, text_to_video: Document) -> None:
    import workflow_nodes

    report = check(load(WORKFLOW), workflow_nodes.library(), studio.files)
    assert report.problems == ()
    assert all(wire.source.name in report.specs[wire.source.node] for wire in text_to_video.wires)
    assert str(report.specs["decode"]["clip"]) == "17 frames 64x64 at 8 fps"


def test_a_prompt_becomes_a_video_and_only_changes_run_again(studio: Bench, text_to_video: Document) -> None:
    first = studio.run(text_to_video)
    assert first.failed == {}
    assert set(first.ran) == set(text_to_video.nodes)
    made = studio.store.get(first.outputs["decode"]["clip"])
    assert isinstance(made, Clip)
    saved = read_clip(studio.files.outputs / "text_to_video.mp4")
    assert saved.frames.shape == made.frames.shape == (17, 64, 64, 3)
    assert saved.fps == 8

    previews = [event for event in studio.events if event.kind == "preview"]
    assert {event.node for event in previews} == {"sampler"}
    assert studio.run(text_to_video).ran == ()
    assert set(studio.run(changed(text_to_video, "sampler", seed=1)).ran) == {"sampler", "unpatchify", "decode", "save"}
    assert studio.run(changed(text_to_video, "save", file="other.mp4")).ran == ("save",)
    prompted = studio.run(changed(text_to_video, "prompt", text="a blue star moving to the right"))
    assert set(prompted.cached) == {"models", "canvas"}


def test_kill_9_while_it_samples_loses_nothing_that_was_finished(studio: Bench, text_to_video: Document) -> None:
    endless = changed(text_to_video, "sampler", steps=200, seed=2)
    sampling = studio.when(lambda event: event.kind == "step" and event.node == "sampler")
    run = studio.executor.submit(endless)
    assert sampling.wait(TIMEOUT)
    os.kill(studio.executor.worker_pid, signal.SIGKILL)
    assert "was killed (SIGKILL)" in studio.executor.wait(run, TIMEOUT).failed["sampler"]
    summary = studio.run(changed(text_to_video, "sampler", seed=2))
    assert summary.failed == {}
    assert {"models", "prompt", "encode", "canvas"} <= set(summary.cached)


def test_what_does_not_fit_is_refused_before_anything_runs(studio: Bench, text_to_video: Document) -> None:
    import workflow_nodes

    wrong = changed(text_to_video, "canvas", width=72)
    errors = check(wrong, workflow_nodes.library(), studio.files).errors
    assert list(errors) == ["canvas"]
    unknown = changed(text_to_video, "prompt", text="a purple zeppelin")
    (warning,) = check(unknown, workflow_nodes.library(), studio.files).problems
    assert (warning.node, warning.level) == ("encode", "warning")
    assert "zeppelin" in warning.sentence
