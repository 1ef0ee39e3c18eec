"""The scale report's measuring: compute is counted, a run goes on, the chart is drawn."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.chart import chart
from benchmarks.scale import measure, training
from nodes.dit.batches import Mix
from nodes.dit.train import DiTTraining
from nodes.training.loop import LoopConfig

SMALL = ((32, 32, 5, 8),)
LOOP = LoopConfig(steps=4, warm_up=1, cooldown=2, log_every=1, save_every=2)


def small(width: int, mix: Mix) -> DiTTraining:
    config = training(width, LOOP.steps)
    model = replace(config.model, depth=1)
    return replace(config, model=model, clips=SMALL, mix=mix, loop=LOOP)


def test_a_wider_model_takes_more_compute_on_the_same_clips(tmp_path: Path) -> None:
    mix = Mix(rows=2, tokens=16, windows=0)
    narrow, wide = (measure(small(width, mix), tmp_path, f"width-{width}") for width in (64, 128))
    assert [point.step for point in narrow] == [2, 4]
    assert [point.clips for point in narrow] == [point.clips for point in wide]
    assert 2 * narrow[-1].flops < wide[-1].flops
    assert measure(small(64, mix), tmp_path, "width-64") == narrow  # it was done: nothing is trained again


def test_dropping_half_of_the_tokens_shows_twice_the_clips_for_less_than_twice_the_compute(tmp_path: Path) -> None:
    mix = Mix(rows=2, tokens=32, images=0, windows=0)
    whole = measure(small(64, mix), tmp_path, "whole")[-1]
    half = measure(small(64, replace(mix, drop="similar")), tmp_path, "half")[-1]
    assert half.clips == 2 * whole.clips
    assert half.flops < 1.9 * whole.flops


def test_a_chart_is_drawn_of_every_curve() -> None:
    drawn = chart("A & B", "x", "y", {"first": [(1, 2), (10, 1.5)], "second": [(2, 1.9), (30, 1.2)]})
    root = ElementTree.fromstring(drawn)
    assert [element.tag.split("}")[1] for element in root].count("polyline") == 2
    assert {"A & B", "first", "second"} <= {element.text for element in root}
