"""Every shipped workflow runs, at a few steps, and makes what its specs foresee."""

from pathlib import Path

import numpy as np
import pytest
from engine_bench import Bench, changed

import pipelines
from assets.media import probe
from assets.values import Clip, Latent
from nodes.registry import library
from pipelines.check import check
from pipelines.document import load

WORKFLOWS = sorted((Path(pipelines.__file__).parent / "library").glob("*.loom.json"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name.partition(".")[0])
def test_a_shipped_workflow_has_no_problem_and_makes_the_file_it_promises(studio: Bench, path: Path) -> None:
    document = changed(load(path), "sampler", steps=2)
    report = check(document, library(), studio.files)
    assert report.problems == ()
    summary = studio.run(document)
    assert summary.failed == {}
    promised = report.specs["decode"]["clip"]
    made = probe(studio.files.outputs / document.params("save")["file"])
    assert (made.frames, made.height, made.width) == (promised.frames, promised.height, promised.width)


def test_an_animated_image_keeps_the_first_latent_frame_as_it_was_given(studio: Bench) -> None:
    document = changed(load(path_of("animate_image")), "sampler", steps=2)
    outputs = studio.run(document).outputs
    given, made = (studio.store.get(outputs[node]["latent"]) for node in ("look", "unpatchify"))
    assert isinstance(given, Latent)
    assert isinstance(made, Latent)
    assert np.array_equal(made.data[:, 0], given.data[:, 0])
    assert not np.array_equal(made.data[:, 1], made.data[:, 0])


def test_an_extended_video_begins_as_the_clip_that_was_given(studio: Bench) -> None:
    document = changed(load(path_of("extend_video")), "sampler", steps=2)
    outputs = studio.run(document).outputs
    source, made = (studio.store.get(outputs[node]["clip"]) for node in ("resize", "decode"))
    assert isinstance(source, Clip)
    assert isinstance(made, Clip)
    error = made.frames[:17].astype(float) - source.frames
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 25


def path_of(name: str) -> Path:
    return next(path for path in WORKFLOWS if path.name == f"{name}.loom.json")
