"""The workflow file: what goes in comes out, and what is wrong is said with its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.document import Document, DocumentError, Port, Wire, dumps, load, loads, save
from pipelines.schema import SCHEMA_FILE, schema_text
from pipelines.strict_json import canonical

NAMES = st.text("abcXYZ019_-", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
UNKNOWN = st.dictionaries(TEXTS.map(lambda name: f"x-{name}"), JSON, max_size=2)


@st.composite
def files(draw: st.DrawFn) -> dict[str, object]:
    """Workflow files with keys at every level that no version knows."""
    node = st.builds(
        lambda more, type_, version, params: {**more, "type": type_, "version": version, "params": params},
        UNKNOWN,
        TEXTS.filter(bool),
        st.integers(1, 99),
        st.dictionaries(TEXTS, JSON, max_size=3),
    )
    nodes = draw(st.dictionaries(NAMES, node, max_size=5))
    ends = st.tuples(st.sampled_from(sorted(nodes) or ["none"]), TEXTS.filter(bool)).map(list)
    wires = draw(
        st.lists(
            st.builds(lambda more, a, b: {**more, "from": a, "to": b}, UNKNOWN, ends, ends),
            max_size=5 if nodes else 0,
            unique_by=lambda wire: tuple(wire["to"]),
        )
    )
    place = st.builds(lambda more, x, y: {**more, "x": x, "y": y}, UNKNOWN, st.integers(-99, 99), st.floats(-9, 9))
    return {
        **draw(UNKNOWN),
        "format": "patchloom/1",
        "nodes": nodes,
        "wires": wires,
        "layout": draw(st.dictionaries(TEXTS, place, max_size=3)),
        "meta": draw(st.dictionaries(TEXTS, JSON, max_size=3)),
    }


@given(files())
def test_loading_and_saving_loses_nothing(content: dict[str, object]) -> None:
    again = json.loads(dumps(loads(json.dumps(content))))
    assert canonical(again) == canonical(content)


def test_a_document_is_read_as_records(tmp_path: Path) -> None:
    path = tmp_path / "a.loom.json"
    document = loads(
        '{"format": "patchloom/1", "nodes": {"a": {"type": "t", "version": 1}, "b": {"type": "u", "version": 2}},'
        ' "wires": [{"from": ["a", "text"], "to": ["b", "prompt"]}], "layout": {"a": {"x": 1, "y": 2}}}'
    )
    assert set(document.records) == {"node:a", "node:b", "wire:b.prompt", "layout:a"}
    assert document.wires == (Wire(Port("a", "text"), Port("b", "prompt")),)
    assert document.incoming["b"] == {"prompt": Port("a", "text")}
    save(document, path)
    assert load(path) == document
    assert [file.name for file in tmp_path.iterdir()] == ["a.loom.json"]


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.loom.json"
    save(loads('{"format": "patchloom/1", "nodes": {}}'), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        save(Document({"meta:ratio": float("nan")}), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.loom.json"]


def test_the_published_schema_is_the_one_that_the_code_checks() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), "run: python -m pipelines.schema"


def test_a_missing_file_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"gone\.loom\.json cannot be read \(No such file"):
        load(tmp_path / "gone.loom.json")
