"""The shipped text-to-video workflow, whole, through the executor, on the shipped weights."""

import os
import signal
from pathlib import Path

import pytest
from engine_bench import TIMEOUT, Bench, changed

import pipelines
from assets.media import read_clip, read_workflow
from assets.values import Clip
from nodes.registry import library
from pipelines.check import check
from pipelines.document import Document, load, loads

WORKFLOW = Path(pipelines.__file__).parent / "library" / "text_to_video.loom.json"


@pytest.fixture(scope="module")
def text_to_video() -> Document:
    return changed(load(WORKFLOW), "sampler", steps=3)


def test_the_workflow_has_no_problem_and_a_spec_on_every_wire(studio: Bench, text_to_video: Document) -> None:
    report = check(load(WORKFLOW), library(), studio.files)
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
    inside = read_workflow(studio.files.outputs / "text_to_video.mp4")
    assert inside
    assert loads(inside) == text_to_video

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
    again = studio.when(lambda event: event.kind == "started" and event.node == "sampler")
    os.kill(studio.executor.worker_pid, signal.SIGKILL)
    assert again.wait(TIMEOUT)
    studio.executor.cancel(run)
    assert studio.executor.wait(run, TIMEOUT).failed == {}
    summary = studio.run(changed(text_to_video, "sampler", seed=2))
    assert summary.failed == {}
    assert {"models", "prompt", "encode", "canvas"} <= set(summary.cached)


def test_a_sampling_that_was_killed_on_its_way_ends_the_same_bit_for_bit(
    studio: Bench, text_to_video: Document
) -> None:
    document = changed(text_to_video, "sampler", steps=16, seed=3, sampler="unipc")
    whole = studio.run(document, {"sampler"}).outputs["sampler"]
    (key,) = (action.key for action in studio.store.entries() if action.outputs == whole)
    studio.store.forget(key)
    far = studio.when(lambda event: event.kind == "step" and event.node == "sampler" and (event.step or 0) >= 3)
    run = studio.executor.submit(document, {"sampler"})
    assert far.wait(TIMEOUT)
    os.kill(studio.executor.worker_pid, signal.SIGKILL)
    summary = studio.executor.wait(run, TIMEOUT)
    assert summary.ran == ("sampler",)
    assert studio.kinds("sampler", run).count("started") == 2
    assert summary.outputs["sampler"] == whole


def test_what_does_not_fit_is_refused_before_anything_runs(studio: Bench, text_to_video: Document) -> None:
    wrong = changed(text_to_video, "canvas", width=72)
    errors = check(wrong, library(), studio.files).errors
    assert list(errors) == ["canvas"]
    unknown = changed(text_to_video, "prompt", text="a purple zeppelin")
    (warning,) = check(unknown, library(), studio.files).problems
    assert (warning.node, warning.level) == ("encode", "warning")
    assert "zeppelin" in warning.sentence
