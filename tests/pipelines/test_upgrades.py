"""Workflows of older versions open without a word, and compute what they did."""

import json
from typing import Any

import numpy as np
import pytest

from assets.files import Files
from assets.values import Clip
from nodes.media.nodes import flatten
from nodes.registry import library
from pipelines.check import check
from pipelines.document import Document, Port, dumps, loads
from pipelines.groups import flattened
from pipelines.upgrades import STEPS, Renamed


def old(params: dict[str, Any], version: int = 1) -> Document:
    """A workflow with a Flatten alpha as it was written then, in the workflow itself and inside of a group."""
    nodes = {"flat": {"type": "flatten", "version": version, "params": params, "colour": "kept"}}
    group = {"label": "Look", "inputs": {"clip": [["flat", "clip"]]}, "nodes": nodes, "wires": []}
    used = {"use": {"type": "group:look", "version": 1}}
    return loads(json.dumps({"format": "patchloom/1", "nodes": {**nodes, **used}, "groups": {"look": group}}))


@pytest.mark.parametrize(("gray", "value"), [({}, 255), ({"gray": 0}, 0), ({"gray": 128}, 128), ({"gray": 255}, 255)])
def test_a_gray_to_flatten_on_became_a_colour(gray: dict[str, int], value: int) -> None:
    document = old(gray)
    inside = document.groups["look"].content
    for node in (document.nodes["flat"], inside.nodes["flat"]):
        assert node["version"] == library()["flatten"].version
        made = flatten(Clip(np.zeros((1, 2, 2, 4), np.uint8), 8.0), **node["params"])
        assert (made.frames == value).all()
        assert node["colour"] == "kept"
    said = [problem.sentence for problem in check(document, library(), Files((), None)).problems]  # type: ignore[arg-type]
    assert not [sentence for sentence in said if "gray" in sentence]
    assert loads(dumps(document)).records == document.records


@pytest.mark.parametrize("params", [{"gray": "dark"}, {"gray": 300}, {"gray": True}])
def test_what_cannot_be_read_is_left_as_it_stands(params: dict[str, Any]) -> None:
    assert old(params).nodes["flat"]["params"] == params


def test_a_node_of_today_or_of_tomorrow_is_left_alone() -> None:
    for version in (2, 99):
        assert old({"gray": 3}, version).nodes["flat"]["params"] == {"gray": 3}


def test_versions_between_that_only_compute_something_else_are_stepped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STEPS, ("flatten", 4), Renamed("colour", "under", lambda value: value))
    for version, params in ((1, {"gray": 255}), (2, {"colour": "#ffffff"}), (3, {"colour": "#ffffff"})):
        node = old(params, version).nodes["flat"]
        assert (node["version"], node["params"]) == (5, {"under": "#ffffff"})


def test_what_groups_show_of_a_widget_and_their_uses_set_goes_with_it() -> None:
    """However deep: "look" shows the gray of what is in it, and "outer" shows what "look" shows."""
    flat = {"type": "flatten", "version": 1, "params": {"gray": 3}}
    look = {"nodes": {"flat": flat}, "widgets": {"back": ["flat", "gray"]}, "inputs": {"clip": [["flat", "clip"]]}}
    outer = {
        "nodes": {"use": {"type": "group:look", "version": 1, "params": {"back": 128}}},
        "widgets": {"shade": ["use", "back"]},
    }
    content = {
        "format": "patchloom/1",
        "nodes": {
            "plain": {"type": "group:outer", "version": 1},
            "set": {"type": "group:outer", "version": 1, "params": {"shade": 255}},
            "odd": {"type": "group:outer", "version": 1, "params": {"shade": "dark"}},
        },
        "groups": {"look": look, "outer": outer},
    }
    document = loads(json.dumps(content))
    assert document.groups["look"].face["widgets"] == {"back": ["flat", "colour"]}
    assert document.params("odd") == {"shade": "dark"}
    params = {node: record["params"] for node, record in flattened(document).nodes.items() if node != "odd/use/flat"}
    assert params == {"plain/use/flat": {"colour": "#808080"}, "set/use/flat": {"colour": "#ffffff"}}
    assert loads(dumps(document)).records == document.records


def test_a_port_that_was_made_of_it_is_one_of_the_colour_and_a_wire_into_it_is_refused_with_what_it_takes() -> None:
    content = {
        "format": "patchloom/1",
        "nodes": {
            "flat": {"type": "flatten", "version": 1, "params": {"gray": 7}},
            "say": {"type": "prompt", "version": 1, "params": {"text": "128"}},
        },
        "wires": [{"from": ["say", "text"], "to": ["flat", "gray"]}],
        "layout": {"flat": {"x": 0, "y": 0, "ports": ["gray"]}},
        "meta": {"app": {"widgets": [["say", "text"], ["flat", "gray"]], "results": []}},
    }
    document = loads(json.dumps(content))
    assert document.records["layout:flat"]["ports"] == ["colour"]
    assert document.records["meta:app"]["widgets"] == [["say", "text"], ["flat", "colour"]]
    assert document.params("flat") == {"colour": "#070707"}
    assert [wire.target for wire in document.wires] == [Port("flat", "colour")]
    problems = check(document, library(), Files((), None)).problems  # type: ignore[arg-type]
    refused = "colour is '128'; it needs a colour like #ff8800; it comes by wire, from Prompt: change it there"
    assert refused in [problem.sentence for problem in problems]
