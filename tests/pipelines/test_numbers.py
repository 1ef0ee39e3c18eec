"""One number feeds several widgets: known while wiring, refused where it does not fit, counted like a widget's own."""

from pathlib import Path
from typing import Any

import pytest
from engine_bench import workflow

import assets
from assets.files import Files
from assets.values import ClipSpec, PatchesSpec, ScalarSpec
from nodes.api import SpecError
from nodes.numbers.nodes import Operation, calculate_spec
from nodes.registry import library
from pipelines.check import Report, check, why_not
from pipelines.document import Document, Port
from pipelines.forecast import load_of
from pipelines.sweep import seeds

SAMPLES = Path(assets.__file__).parent / "samples"
FILES = Files((SAMPLES,), SAMPLES)
LIBRARY = library()


def checked(document: Document) -> Report:
    return check(document, LIBRARY, FILES)


def canvases(number: Any, widget: str = "frames") -> Document:
    """Two canvases with a widget that goes by one node."""
    nodes = {"n": number, "m": ("load_models", {}), "a": ("noise_patches", {}), "b": ("noise_patches", {})}
    models = [f"m.{model} -> {canvas}.{model}" for model in ("dit", "vae") for canvas in "ab"]
    (output,) = LIBRARY[number[0]].outputs
    return workflow(nodes, *models, *(f"n.{output} -> {canvas}.{widget}" for canvas in "ab"))


@pytest.mark.parametrize("number", [("whole_number", {"value": 33}), ("number", {"value": 33.0})])
def test_one_number_sets_the_widgets_of_several_nodes_and_their_size_is_known_while_wiring(number: Any) -> None:
    report = checked(canvases(number))
    assert not report.problems
    for canvas in "ab":
        spec = report.specs[canvas]["patches"]
        assert isinstance(spec, PatchesSpec)
        assert spec.grids[0][0] == 9


@pytest.mark.parametrize(
    ("number", "widget", "said"),
    [
        (("number", {"value": 16.5}), "frames", "frames holds 16.5; it needs a whole number; it comes by wire"),
        (("whole_number", {"value": 2000}), "frames", "frames is 2000; it needs 1 to 1025"),
        (("whole_number", {"value": 100}), "width", "width is 100; it goes from 16 in steps of 16; try 96 or 112"),
        (("prompt", {"text": "17"}), "frames", "this output is a Text; the widget 'frames' takes a Scalar"),
    ],
)
def test_a_number_that_a_widget_cannot_hold_is_refused_with_what_it_needs_and_where_it_comes_from(
    number: Any, widget: str, said: str
) -> None:
    document = canvases(number, widget)
    for canvas in "ab":
        problem = checked(document).errors[canvas]
        assert problem.port == widget
        assert said in problem.sentence
    (output,) = LIBRARY[number[0]].outputs
    assert said in str(why_not(document, Port("n", output), Port("a", widget), LIBRARY, FILES))


def test_rounding_makes_a_whole_number_of_any() -> None:
    nodes = {
        "n": ("number", {"value": 100.4}),
        "round": ("calculate", {"operation": "round", "by": 16.0}),
        "ball": ("load_clip", {"file": "ball.mp4"}),
        "resize": ("resize", {}),
    }
    wires = ["n.scalar -> round.number", "round.scalar -> resize.width", "ball.clip -> resize.clip"]
    report = checked(workflow(nodes, *wires))
    assert not report.problems
    assert report.specs["resize"]["clip"] == ClipSpec(17, 64, 96, 8.0)


@pytest.mark.parametrize(
    ("operation", "number", "by", "made"),
    [
        ("add", 16, 1, 17),
        ("subtract", 16, 0.5, 15.5),
        ("multiply", 480, 1.5, 720),
        ("divide", 7, 2, 3.5),
        ("round", 24.5, 1, 25),
        ("round", 100, 16, 96),
        ("round down", 127, 16, 112),
        ("round up", 113, 16, 128),
        ("smaller", 5, 3, 3),
        ("larger", 5, 3, 5),
    ],
)
def test_what_is_reckoned_is_whole_where_it_can_be(operation: Any, number: float, by: float, made: float) -> None:
    value = calculate_spec(ScalarSpec(number), operation, by).value
    assert value == made
    assert isinstance(value, int) == float(made).is_integer()


@pytest.mark.parametrize("operation", ["divide", "round", "round down", "round up"])
def test_by_nothing_is_not_divided(operation: Any) -> None:
    with pytest.raises(SpecError, match="by 0, which gives nothing"):
        calculate_spec(ScalarSpec(3), operation, 0)


@pytest.mark.parametrize(
    ("number", "operation", "by"),
    [(1e308, "multiply", 10), (1e308, "divide", 1e-10), (1e308, "round", 1e-308), (2**62, "add", 2**62)],
)
def test_what_is_too_large_to_be_a_setting_is_refused(number: float, operation: Operation, by: float) -> None:
    with pytest.raises(SpecError, match="too large a number"):
        calculate_spec(ScalarSpec(number), operation, by)


def test_a_second_canvas_follows_the_first_in_all_of_its_size() -> None:
    nodes = {
        "m": ("load_models", {}),
        "a": ("noise_patches", {"width": 96, "height": 48, "frames": 9, "fps": 12.0}),
        "size": ("canvas_size", {}),
        "b": ("noise_patches", {}),
        "c": ("resize", {"mode": "stretch"}),
        "ball": ("load_clip", {"file": "ball.mp4"}),
        "of_clip": ("clip_size", {}),
        "d": ("noise_patches", {}),
    }
    wires = [f"m.{model} -> {canvas}.{model}" for model in ("dit", "vae") for canvas in "abd"]
    wires += ["a.patches -> size.canvas", "m.vae -> size.vae", "ball.clip -> c.clip", "ball.clip -> of_clip.clip"]
    wires += [f"size.{side} -> b.{side}" for side in ("width", "height", "frames", "fps")]
    wires += [f"of_clip.{side} -> d.{side}" for side in ("width", "height", "frames", "fps")]
    report = checked(workflow(nodes, *wires))
    assert not report.problems
    assert report.specs["b"] == report.specs["a"]
    clip = report.specs["ball"]["clip"]
    assert isinstance(clip, ClipSpec)
    assert [str(spec) for spec in report.specs["of_clip"].values()] == [
        str(clip.width), str(clip.height), str(clip.frames), f"{clip.fps:g}"
    ]  # fmt: skip


def test_steps_that_come_by_wire_count_in_the_forecast() -> None:
    nodes: dict[str, Any] = {"n": ("whole_number", {"value": 40}), "s": ("sample", {}), "t": ("sample", {"steps": 40})}
    document = workflow(nodes, "n.scalar -> s.steps")
    specs = checked(document).specs
    wired, typed = (load_of(document, node, LIBRARY["sample"], specs) for node in "st")
    assert wired == typed
    assert wired.size == 40


def test_a_batch_of_seeds_goes_through_one_seed_that_feeds_several_nodes() -> None:
    nodes = {"one": ("seed", {"seed": 5}), "s": ("sample", {}), "t": ("sample", {})}
    document = workflow(nodes, "one.scalar -> s.seed", "one.scalar -> t.seed")
    batch = seeds(document, LIBRARY, 3)
    assert [label for label, _ in batch] == ["seed 5", "seed 6", "seed 7"]
    assert [varied.params("one")["seed"] for _, varied in batch] == [5, 6, 7]
    assert all(varied.params(node) == {} for _, varied in batch for node in "st")
