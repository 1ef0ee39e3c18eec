"""Workflows that are well-formed files and yet mean harm: each node gets a sentence, and nothing else happens."""

from pathlib import Path
from typing import Annotated, Any

import pytest

from assets.files import Files
from assets.values import SavedFile, SavedFileSpec, Text, TextSpec
from nodes.api import FileName, Node, Range, Seed, read_declaration
from pipelines.check import check
from pipelines.document import Document, Port
from pipelines.plan import plan, upstream


def draw_spec(seed: int, size: int, flag: bool) -> TextSpec:
    return TextSpec(str(seed))


def draw(*, seed: Annotated[int, Seed()] = 0, size: Annotated[int, Range(1, 9)] = 1, flag: bool = False) -> Text:
    """A text."""
    return Text(str(seed))


def store_spec(text: TextSpec, name: str, files: Files) -> SavedFileSpec:
    files.target(name)
    return SavedFileSpec(name)


def store(text: Text, *, name: Annotated[str, FileName("save", (".txt",))] = "a", files: Files) -> SavedFile:
    """A file."""
    raise AssertionError("a check runs no node")


LIBRARY: dict[str, Node] = {
    "draw": read_declaration(draw, 1, "test", draw_spec, "", None, ()),
    "store": read_declaration(store, 1, "test", store_spec, "", None, ()),
}


def document(nodes: dict[str, tuple[str, dict[str, Any]]], wires: list[list[list[str]]]) -> Document:
    records: dict[str, Any] = {f"node:{n}": {"type": t, "version": 1, "params": p} for n, (t, p) in nodes.items()}
    return Document(records | {f"wire:{'.'.join(to)}": {"from": source, "to": to} for source, to in wires})


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "outputs").mkdir()
    return Files((), tmp_path / "outputs")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        [[[[]]]],
        "x",
        "9" * 5000,
        10**300,
        1e300,
        "1e5",
        "nan",
        "<img src=x onerror=alert(1)>",
        "\0",
        2**63,
    ],
    ids=repr,
)
@pytest.mark.parametrize("widget", ["seed", "size"])
def test_a_widget_that_holds_nonsense_is_said_shortly(widget: str, value: Any, files: Files) -> None:
    (problem,) = check(document({"a": ("draw", {widget: value})}, []), LIBRARY, files).problems
    assert (problem.node, problem.port, problem.level) == ("a", widget, "error")
    assert len(problem.sentence) < 200


@pytest.mark.parametrize("name", ["../out.txt", "/etc/passwd", "a/../../b", "..\\b", "con.txt", "a\0b", "", "~/../x:y"])
def test_a_name_that_leads_out_of_the_outputs_is_refused(name: str, files: Files) -> None:
    made = document({"d": ("draw", {}), "s": ("store", {"name": name})}, [[["d", "text"], ["s", "text"]]])
    (problem,) = check(made, LIBRARY, files).problems
    assert (problem.node, problem.level) == ("s", "error")
    assert not list(files.outputs.iterdir())


def test_wires_that_lead_nowhere_harm_nobody(files: Files) -> None:
    wires = [[["gone", "text"], ["s", "text"]], [["d", "text"], ["gone", "text"]], [["d", "text"], ["s", "__class__"]]]
    report = check(document({"d": ("draw", {}), "s": ("store", {})}, wires), LIBRARY, files)
    assert {(problem.node, problem.port) for problem in report.problems} == {("s", "text"), ("s", "__class__")}
    assert set(report.specs) == {"d"}


def test_names_of_python_are_no_widgets_and_no_outputs(files: Files) -> None:
    made = document(
        {"d": ("draw", {"__init__": 1, "self": 2}), "s": ("store", {})}, [[["d", "__doc__"], ["s", "text"]]]
    )
    levels = {(problem.port, problem.level) for problem in check(made, LIBRARY, files).problems}
    assert levels == {("__init__", "warning"), ("self", "warning"), ("text", "error")}


def test_a_loop_of_ten_thousand_nodes_is_found_without_recursion(files: Files) -> None:
    count = 10_000
    nodes = {f"n{i}": ("store", {}) for i in range(count)}
    made = document(nodes, [[[f"n{i}", "saved_file"], [f"n{(i + 1) % count}", "text"]] for i in range(count)])
    report = check(made, LIBRARY, files)
    assert len(report.problems) == count
    assert all(len(problem.sentence) < 200 for problem in report.problems)
    assert plan(made).order == ()
    assert len(upstream(made, ["n0"])) == count
    assert made.incoming["n0"] == {"text": Port(f"n{count - 1}", "saved_file")}
