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
from pipelines.document import Document, dumps, loads


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
