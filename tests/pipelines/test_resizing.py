"""A wire that sizes alone stand in the way of is offered the resize that lets it be."""

import json
from pathlib import Path
from typing import Any

import pytest
from engine_bench import workflow

import assets
from assets.files import Files
from nodes.registry import library
from pipelines.check import check, why_not
from pipelines.document import Document, Port, loads
from pipelines.resizing import Resize, resizing

SAMPLES = Path(assets.__file__).parent / "samples"
FILES = Files((SAMPLES,), SAMPLES)
LIBRARY = library()
BALL: Any = ("load_clip", {"file": "ball.mp4"})


def sized(width: int, height: int) -> Any:
    return ("resize", {"width": width, "height": height, "mode": "stretch"})


def offered(document: Document, source: str, target: str) -> Resize | None:
    ends = [Port(*end.split(".")) for end in (source, target)]
    assert why_not(document, *ends, LIBRARY, FILES)
    return resizing(document, *ends, LIBRARY, FILES)


def test_a_clip_of_another_size_is_brought_to_that_of_the_one_beside_it() -> None:
    nodes = {"ball": BALL, "large": sized(96, 48), "other": BALL, "join": ("join_clips", {})}
    document = workflow(nodes, "ball.clip -> large.clip", "large.clip -> join.first")
    assert offered(document, "other.clip", "join.second") == Resize(Port("join", "second"), 96, 48)


@pytest.mark.parametrize(("width", "height", "to"), [(60, 50, (64, 48)), (3, 101, (8, 104)), (102, 64, (104, 64))])
def test_a_clip_for_the_vae_is_brought_to_the_nearest_sides_that_it_takes(
    width: int, height: int, to: tuple[int, int]
) -> None:
    nodes = {"ball": BALL, "odd": sized(width, height), "models": ("load_models", {}), "encode": ("encode_video", {})}
    document = workflow(nodes, "ball.clip -> odd.clip", "models.vae -> encode.vae")
    assert offered(document, "odd.clip", "encode.clip") == Resize(Port("encode", "clip"), *to)


def test_patches_of_a_clip_that_is_too_large_for_a_canvas_have_the_clip_resized_before_it_is_encoded() -> None:
    nodes = {
        "ball": BALL,
        "wide": sized(192, 96),
        "models": ("load_models", {}),
        "encode": ("encode_video", {}),
        "cut": ("patchify", {}),
        "canvas": ("noise_patches", {"width": 96, "height": 64}),
        "put": ("arrange_patches", {}),
    }
    wires = [
        "ball.clip -> wide.clip",
        "wide.clip -> encode.clip",
        "models.vae -> encode.vae",
        "encode.latent -> cut.latent",
        "models.dit -> canvas.dit",
        "models.vae -> canvas.vae",
        "canvas.patches -> put.canvas",
    ]
    assert offered(workflow(nodes, *wires), "cut.patches", "put.given") == Resize(Port("encode", "clip"), 96, 64)


def test_an_image_is_brought_to_the_size_of_the_clip_that_it_is_laid_over() -> None:
    image: Any = ("trim", {"frames": 1})
    nodes = {
        "ball": BALL,
        "one": image,
        "still": sized(96, 48),
        "other": image,
        "mask": ("mask_box", {"width": 8, "height": 8}),
        "lay": ("composite", {}),
    }
    wires = ["ball.clip -> one.clip", "one.clip -> still.clip", "still.clip -> lay.under", "ball.clip -> other.clip"]
    document = workflow(nodes, *wires, "still.clip -> mask.clip", "mask.mask -> lay.mask")
    assert offered(document, "other.clip", "lay.over") == Resize(Port("lay", "over"), 96, 48)
    # A mask has no node that scales it; the clip that it is made of has.
    wires += ["ball.clip -> other.clip", "other.clip -> mask.clip", "still.clip -> lay.over"]
    assert offered(workflow(nodes, *wires), "mask.mask", "lay.mask") == Resize(Port("mask", "clip"), 96, 48)


def test_where_what_comes_in_cannot_be_scaled_what_is_there_is() -> None:
    """A canvas is as large as it was made; the picture that goes on it is brought to its size."""
    nodes = {
        "ball": BALL,
        "wide": sized(192, 96),
        "models": ("load_models", {}),
        "encode": ("encode_video", {}),
        "cut": ("patchify", {}),
        "canvas": ("noise_patches", {"width": 96, "height": 64}),
        "put": ("arrange_patches", {}),
    }
    wires = ["ball.clip -> wide.clip", "wide.clip -> encode.clip", "encode.latent -> cut.latent"]
    wires += ["models.vae -> encode.vae", "models.dit -> canvas.dit", "models.vae -> canvas.vae"]
    document = workflow(nodes, *wires, "cut.patches -> put.given")
    assert offered(document, "canvas.patches", "put.canvas") == Resize(Port("encode", "clip"), 96, 64)


JOINING = {
    "label": "Joining",
    "inputs": {"clip": [["back", "clip"], ["large", "clip"]]},
    "outputs": {"clip": ["join", "clip"]},
    "nodes": {
        "back": {"type": "reverse", "version": 1},
        "large": {"type": "resize", "version": 1, "params": {"width": 96, "height": 48}},
        "join": {"type": "join_clips", "version": 1, "params": {"overlap": 0}},
    },
    "wires": [{"from": ["large", "clip"], "to": ["join", "first"]}],
}


def grouped(uses: dict[str, str], groups: dict[str, Any], *wires: str) -> Document:
    nodes = {"ball": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}}}
    nodes |= {use: {"type": f"group:{group}", "version": 1} for use, group in uses.items()}
    ends = [[end.split(".") for end in wire.split(" -> ")] for wire in wires]
    made = [{"from": source, "to": target} for source, target in ends]
    content = {"format": "patchloom/1", "nodes": nodes, "wires": made, "groups": groups}
    return loads(json.dumps(content))


def test_inside_of_a_group_the_resize_is_offered_there_and_does_for_all_that_use_it() -> None:
    uses = {"a": "joining", "b": "joining"}
    document = grouped(uses, {"joining": JOINING}, "ball.clip -> a.clip", "ball.clip -> b.clip")
    assert offered(document, "a/back.clip", "a/join.second") == Resize(Port("joining:join", "second"), 96, 48)
    deep = {"outputs": {"clip": ["a", "clip"]}, "inputs": {"clip": [["a", "clip"]]}}
    outer = {**deep, "nodes": {"a": {"type": "group:joining", "version": 1}}}
    document = grouped({"o": "outer"}, {"joining": JOINING, "outer": outer}, "ball.clip -> o.clip")
    assert offered(document, "o/a/back.clip", "o/a/join.second") == Resize(Port("joining:join", "second"), 96, 48)


def test_what_a_group_gives_and_takes_is_scaled_outside_of_it() -> None:
    ended = {**JOINING, "inputs": {"clip": [["large", "clip"]], "second": [["join", "second"]]}}
    document = grouped({"a": "joining"}, {"joining": ended}, "ball.clip -> a.clip")
    assert offered(document, "ball.clip", "a.second") == Resize(Port("a", "second"), 96, 48)


def test_what_no_size_would_mend_is_offered_none() -> None:
    nodes = {
        "ball": BALL,
        "one": ("trim", {"frames": 2}),
        "models": ("load_models", {}),
        "encode": ("encode_video", {}),
        "say": ("prompt", {}),
        "back": ("reverse", {}),
    }
    document = workflow(nodes, "ball.clip -> one.clip", "models.vae -> encode.vae", "one.clip -> back.clip")
    assert offered(document, "one.clip", "encode.clip") is None  # of a length that the VAE does not take
    assert offered(document, "say.text", "encode.clip") is None
    assert offered(document, "back.clip", "one.clip") is None  # a loop
    assert offered(document, "gone.clip", "encode.clip") is None


def test_what_is_offered_leaves_nothing_for_the_check_to_say() -> None:
    nodes = {"ball": BALL, "large": sized(96, 48), "other": BALL, "join": ("join_clips", {})}
    wires = ["ball.clip -> large.clip", "large.clip -> join.first"]
    found = offered(workflow(nodes, *wires), "other.clip", "join.second")
    assert found
    mended = workflow(
        {**nodes, "r": sized(found.width, found.height)}, *wires, "other.clip -> r.clip", "r.clip -> join.second"
    )
    assert not check(mended, LIBRARY, FILES).errors
