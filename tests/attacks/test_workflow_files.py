"""Hostile workflow files: each is refused by a sentence that says where."""

import json
from pathlib import Path

import pytest

from pipelines.document import DocumentError, load, loads

HEAD = '{"format": "patchloom/1", "nodes": '
NODE = {"type": "t", "version": 1, "params": {}}


def workflow(**changes: object) -> str:
    return json.dumps({"format": "patchloom/1", "nodes": {"a": NODE}, **changes})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "line 1, column 1 is no JSON", id="empty"),
        pytest.param("[" * 10_000, "no JSON|deeper than 64", id="deep and torn"),
        pytest.param("[" * 10_000 + "]" * 10_000, "deeper than 64", id="deep"),
        pytest.param(HEAD + '{"a":' * 100 + "1" + "}" * 101, "deeper than 64", id="deep nodes"),
        pytest.param(workflow(meta={"x": 0}).replace("0", "NaN"), "NaN is no JSON number", id="NaN"),
        pytest.param(workflow(meta={"x": 0}).replace("0", "1e999"), "1e999 is too large", id="infinite"),
        pytest.param(workflow(meta={"x": 0}).replace("0", "9" * 5000), "too large a number", id="huge int"),
        pytest.param(HEAD + '{"a": 1, "a": 2}}', "the key 'a' twice", id="duplicate keys"),
        pytest.param(workflow(meta={"x": "\ud800"}), "half a character", id="lone surrogate"),
        pytest.param("[]", "it holds a list", id="a list"),
        pytest.param("{}", "format: the file says no format", id="no format"),
        pytest.param(workflow(format="patchloom/2"), "reads 'patchloom/1'; update", id="newer format"),
        pytest.param(workflow(format={"a": 1}), "format: the file says the format", id="odd format"),
        pytest.param(workflow(nodes=[]), "nodes: ", id="nodes as a list"),
        pytest.param(workflow(nodes={"a": {"type": "t"}}), r"nodes\.a\.version: Field required", id="no version"),
        pytest.param(workflow(nodes={"a": {**NODE, "type": 5}}), r"nodes\.a\.type: .*it has 5", id="type no text"),
        pytest.param(workflow(nodes={"a": {**NODE, "version": True}}), r"nodes\.a\.version", id="version a switch"),
        pytest.param(workflow(nodes={"a": {**NODE, "params": 3}}), r"nodes\.a\.params", id="params no object"),
        pytest.param(workflow(nodes={"../a": NODE}), r"nodes\.\.\./a: .*pattern", id="odd node id"),
        pytest.param(workflow(wires={}), "wires: ", id="wires as an object"),
        pytest.param(workflow(wires=[{"from": ["a", "x"]}]), r"wires\[0\]\.to: Field required", id="wire without end"),
        pytest.param(
            workflow(wires=[{"from": ["a"], "to": ["a", "x"]}]),
            r"wires\[0\]\.from\[1\]: Field required",
            id="short end",
        ),
        pytest.param(
            workflow(wires=[{"from": ["b", "x"], "to": ["a", "x"]}]),
            r"wires\[0\]\.from: there is no node 'b'",
            id="dangling wire",
        ),
        pytest.param(
            workflow(wires=[{"from": ["a", "x"], "to": ["a", "y"]}] * 2),
            r"wires\[1\]\.to: a\.y has a wire",
            id="two wires",
        ),
        pytest.param(workflow(nodes={f"n{i}": NODE for i in range(100_000)}), "nodes: there are 100000", id="many"),
        pytest.param(workflow(layout={"a": {"x": []}}), r"layout\.a\.x", id="layout no number"),
    ],
)
def test_a_hostile_workflow_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as refusal:
        loads(text)
    assert len(str(refusal.value)) < 400


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.loom.json"
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42\xff\xfe")
    with pytest.raises(DocumentError, match=r"clip\.loom\.json is no text in UTF-8"):
        load(path)


def test_a_file_from_windows_with_a_byte_order_mark_opens(tmp_path: Path) -> None:
    path = tmp_path / "a.loom.json"
    path.write_bytes(b"\xef\xbb\xbf" + workflow().encode())
    assert set(load(path).nodes) == {"a"}
