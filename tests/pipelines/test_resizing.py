"""A wire that sizes alone stand in the way of is offered the resize that lets it be."""

from pathlib import Path
from typing import Any

import pytest
from engine_bench import workflow

import assets
from assets.files import Files
from nodes.registry import library
from pipelines.check import check, why_not
from pipelines.document import Document, Port
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
