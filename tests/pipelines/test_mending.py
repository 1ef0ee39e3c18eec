"""A number that a model does not take is offered the nearest that it does, where it was written."""

from pathlib import Path
from typing import Any

import pytest
from engine_bench import workflow

import assets
from assets.files import Files
from nodes.registry import library
from pipelines.check import check, why_not
from pipelines.diff import with_param
from pipelines.document import Document, Port
from pipelines.mending import Insert, Mend, mending, mending_wire

SAMPLES = Path(assets.__file__).parent / "samples"
FILES = Files((SAMPLES,), SAMPLES)
LIBRARY = library()
BALL: Any = ("load_clip", {"file": "ball.mp4"})
MODELS: Any = ("load_models", {})
TO_CANVAS = ("models.dit -> canvas.dit", "models.vae -> canvas.vae")


def canvas(*wires: str, **params: Any) -> Document:
    return workflow({"models": MODELS, "canvas": ("noise_patches", params)}, *TO_CANVAS, *wires)


def offered(document: Document, node: str) -> Mend:
    assert node in check(document, LIBRARY, FILES).errors
    found = mending(document, node, LIBRARY, FILES)
    assert found
    return found


def refused(document: Document, source: str, target: str) -> Mend | None:
    ends = [Port(*end.split(".")) for end in (source, target)]
    assert why_not(document, *ends, LIBRARY, FILES)
    return mending_wire(document, *ends, LIBRARY, FILES)


@pytest.mark.parametrize(
    ("params", "label"),
    [
        ({"frames": 18}, "Use 17 frames"),
        ({"frames": 15}, "Use 13 frames"),
        ({"frames": 2}, "Use 1 frame"),
        ({"frames": 4000}, "Use 1025 frames"),
        ({"width": 100}, "Use a width of 96"),
        ({"width": 106, "height": 70}, "Use 112 × 64"),
        ({"height": 70, "frames": 16}, "Use 17 frames and a height of 64"),
    ],
)
def test_a_canvas_is_offered_the_nearest_size_and_length_that_its_models_take(
    params: dict[str, Any], label: str
) -> None:
    document = canvas(**params)
    found = offered(document, "canvas")
    assert found.label == label
    for change in found.changes:
        document = with_param(document, *change)
    assert "canvas" not in check(document, LIBRARY, FILES).errors


def test_a_number_by_wire_is_changed_where_it_was_written() -> None:
    nodes: dict[str, Any] = {"models": MODELS, "number": ("number", {"value": 18.4}), "canvas": ("noise_patches", {})}
    found = refused(workflow(nodes, *TO_CANVAS), "number.scalar", "canvas.frames")
    assert found == Mend("Use 17 frames", (("number", "value", 17),), None)
    wired = workflow(nodes | {"number": ("whole_number", {"value": 24})}, *TO_CANVAS, "number.scalar -> canvas.height")
    assert offered(wired, "canvas") == Mend("Use a height of 16", (("number", "value", 16),), None)


def test_a_number_that_another_node_needs_as_it_is_stays_and_is_rounded_in_its_wire() -> None:
    number: Any = ("whole_number", {"value": 10})
    nodes: dict[str, Any] = {"models": MODELS, "number": number, "canvas": ("noise_patches", {}), "ball": BALL}
    nodes |= {
        "cut": ("trim", {"frames": 10}),
        "other": ("trim", {}),
        "mask": ("mask_box", {}),
        "lay": ("composite", {}),
    }
    wires = ["ball.clip -> cut.clip", "ball.clip -> other.clip", "cut.clip -> mask.clip", "mask.mask -> lay.mask"]
    wires += ["cut.clip -> lay.under", "other.clip -> lay.over", "number.scalar -> other.frames"]
    document = workflow(nodes, *TO_CANVAS, *wires)
    assert not check(document, LIBRARY, FILES).errors
    insert = Insert(
        "calculate", "number", "scalar", {"operation": "round", "by": 4, "start": 1}, Port("canvas", "frames")
    )
    found = refused(document, "number.scalar", "canvas.frames")
    assert found == Mend("Insert Calculate to round it to 9", (), insert)


@pytest.mark.parametrize(
    ("by", "frames", "params"),
    [(2, "17", {"operation": "round", "by": 4, "start": 1}), (0.2, "1", {"operation": "round", "by": 4, "start": 1})],
)
def test_a_reckoned_number_is_rounded_to_legal_lengths_in_its_wire(
    by: float, frames: str, params: dict[str, Any]
) -> None:
    nodes: dict[str, Any] = {"models": MODELS, "canvas": ("noise_patches", {})}
    nodes |= {"number": ("whole_number", {"value": 9}), "twice": ("calculate", {"by": by})}
    document = workflow(nodes, *TO_CANVAS, "number.scalar -> twice.number")
    found = refused(document, "twice.scalar", "canvas.frames")
    insert = Insert("calculate", "number", "scalar", params, Port("canvas", "frames"))
    assert found == Mend(f"Insert Calculate to round it to {frames}", (), insert)


def test_a_clip_that_is_a_little_too_long_is_trimmed_where_its_length_is_set_or_before_it_is_encoded() -> None:
    nodes: dict[str, Any] = {"models": MODELS, "encode": ("encode_video", {}), "clip": BALL}
    wires = ["models.vae -> encode.vae", "cut.clip -> encode.clip", "clip.clip -> cut.clip"]
    cut = workflow(nodes | {"cut": ("trim", {"frames": 11})}, *wires)
    assert offered(cut, "encode") == Mend("Use 9 frames", (("cut", "frames", 9),), None)
    rest = workflow(nodes | {"cut": ("trim", {"frames": 0, "start": 1})}, *wires[:1], *wires[2:])
    found = refused(rest, "cut.clip", "encode.clip")
    insert = Insert("trim", "clip", "clip", {"frames": 13}, Port("encode", "clip"))
    assert found == Mend("Insert Trim to 13 frames", (), insert)


def test_inside_of_a_group_the_number_is_set_in_the_group() -> None:
    records = dict(canvas(frames=18).records)
    inner = {key.replace(":", ":look:", 1): record for key, record in records.items() if key.startswith("node:")}
    for wire in (record for key, record in records.items() if key.startswith("wire:")):
        (source, out), (target, into) = wire["from"], wire["to"]
        inner[f"wire:look:{target}.{into}"] = {"from": [f"look:{source}", out], "to": [f"look:{target}", into]}
    use = {"node:use": {"type": "group:look", "version": 1, "params": {}}}
    document = Document({**inner, **use, "group:look": {"label": "Look", "inputs": {}, "outputs": {}}})
    assert offered(document, "use/canvas") == Mend("Use 17 frames", (("look:canvas", "frames", 17),), None)


def test_what_no_number_would_mend_is_offered_none() -> None:
    nodes: dict[str, Any] = {"models": MODELS, "ball": BALL, "say": ("prompt", {}), "encode": ("encode_video", {})}
    document = workflow(nodes, "models.vae -> encode.vae")
    assert refused(document, "say.text", "encode.clip") is None
    assert mending(document, "encode", LIBRARY, FILES) is None  # it only lacks a wire
    assert mending(document, "gone", LIBRARY, FILES) is None
    nodes = {"number": ("whole_number", {}), "lost": ("of another place", {}), "canvas": ("noise_patches", {})}
    lost = workflow(nodes, "number.scalar -> lost.frames", "gone.scalar -> canvas.frames", "lost.vae -> canvas.vae")
    assert {mending(lost, node, LIBRARY, FILES) for node in lost.nodes} == {None}
