"""The check: every problem has its node, its port and a sentence, and what is fine has specs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_bench import workflow

from assets.files import Files
from assets.values import LatentSpec, TextSpec
from nodes.api import Node
from pipelines.check import check, why_not
from pipelines.document import Document, Port

Library = dict[str, Node]
CHAIN = {"n": ("noise", {"side": 8}), "r": ("refine", {}), "h": ("halve", {})}
CHAIN_WIRES = ("n.latent -> r.latent", "r.latent -> h.latent")


def test_specs_are_inferred_through_the_whole_graph(library: Library, files: Files) -> None:
    report = check(workflow(CHAIN, *CHAIN_WIRES), library, files)
    assert report.problems == ()
    assert report.specs["h"] == {
        "top": LatentSpec(1, 1, 4, 8, "test", 8.0),
        "bottom": LatentSpec(1, 1, 4, 8, "test", 8.0),
    }


@pytest.mark.parametrize(
    ("nodes", "wires", "port", "said"),
    [
        ({"a": ("shout", {})}, [], "text", "the input 'text' of Shout is not wired; it needs a Text"),
        ({"a": ("gone", {})}, [], None, "there is no node type 'gone' here"),
        ({"a": ("noise", {"side": 65})}, [], "side", "side is 65; it needs 2 to 64"),
        ({"a": ("noise", {"seed": "x"})}, [], "seed", "seed holds 'x'; it needs a whole number"),
        ({"a": ("load_text", {"file": "gone.txt"})}, [], None, "there is no file 'gone.txt'"),
        ({"a": ("load_text", {"file": "../secret"})}, [], None, "there is no file '../secret'"),
        (
            {"b": ("noise", {}), "a": ("shout", {})},
            ["b.latent -> a.text"],
            "text",
            "a Latent; the input 'text' takes a Te",
        ),
        (
            {"b": ("noise", {}), "a": ("shout", {})},
            ["b.clip -> a.text"],
            "text",
            "has no output 'clip'; it has: latent",
        ),
        ({"b": ("words", {}), "a": ("words", {})}, ["b.text -> a.prompt"], "prompt", "no input 'prompt'; it has: text"),
        ({"b": ("noise", {"side": 6}), "a": ("halve", {})}, ["b.latent -> a.latent"], None, "Try 8"),
        (
            {"b": ("figure", {"value": 99}), "a": ("noise", {})},
            ["b.scalar -> a.side"],
            "side",
            "side is 99; it needs 2",
        ),
        ({"b": ("words", {}), "a": ("noise", {})}, ["b.text -> a.side"], "side", "widget 'side' takes a Scalar"),
    ],
)
def test_a_problem_has_its_node_its_port_and_a_sentence(
    nodes: dict[str, Any], wires: list[str], port: str | None, said: str, library: Library, files: Files
) -> None:
    report = check(workflow(nodes, *wires), library, files)
    (problem,) = report.problems
    assert (problem.node, problem.port, problem.level) == ("a", port, "error")
    assert said in problem.sentence
    assert "a" not in report.specs


def test_what_stands_downstream_of_an_error_is_unknown_and_no_second_error(library: Library, files: Files) -> None:
    report = check(workflow({**CHAIN, "n": ("noise", {"side": 999})}, *CHAIN_WIRES), library, files)
    assert [problem.node for problem in report.problems] == ["n"]
    assert report.specs == {}


def test_a_loop_is_said_on_each_of_its_nodes_and_the_rest_is_checked(library: Library, files: Files) -> None:
    document = workflow(
        {**CHAIN, "a": ("shout", {}), "b": ("shout", {}), "c": ("shout", {})},
        *CHAIN_WIRES,
        "a.text -> b.text",
        "b.text -> a.text",
        "b.text -> c.text",
    )
    report = check(document, library, files)
    assert {problem.node for problem in report.problems} == {"a", "b"}
    assert "in a loop of a, b; remove a wire" in report.problems[0].sentence
    assert "h" in report.specs
    assert "c" not in report.specs


def test_a_node_wired_to_itself_is_a_loop(library: Library, files: Files) -> None:
    report = check(workflow({"a": ("shout", {})}, "a.text -> a.text"), library, files)
    assert "in a loop of a" in report.problems[0].sentence


def test_a_warning_stops_nothing(library: Library, files: Files) -> None:
    document = workflow({"a": ("words", {"text": "a blurple ball", "size": 3})})
    report = check(document, library, files)
    assert [(problem.port, problem.level) for problem in report.problems] == [("size", "warning"), (None, "warning")]
    assert "no widget 'size', so it is not used; it has: text" in report.problems[0].sentence
    assert "'blurple' is unknown" in report.problems[1].sentence
    assert report.specs["a"] == {"text": TextSpec("a blurple ball")}
    assert report.errors == {}


def test_a_node_from_a_newer_release_is_a_warning(library: Library, files: Files) -> None:
    document = Document({"node:a": {"type": "words", "version": 7, "params": {}}})
    (problem,) = check(document, library, files).problems
    assert problem.level == "warning"
    assert "version 7 of Words, newer than the one here" in problem.sentence


def test_a_widget_becomes_a_port_when_it_is_wired(library: Library, files: Files) -> None:
    nodes = {"b": ("figure", {"value": 6.0}), "a": ("noise", {"side": 4}), "w": ("words", {}), "v": ("words", {})}
    report = check(workflow(nodes, "b.scalar -> a.side", "w.text -> v.text"), library, files)
    assert report.problems == ()
    assert report.specs["a"]["latent"].height == 6
    assert report.specs["v"] == {"text": TextSpec("red ball")}


def test_a_widget_wired_to_what_only_a_run_will_tell_is_unknown(library: Library, files: Files) -> None:
    nodes = {"w": ("words", {}), "c": ("count_letters", {}), "n": ("noise", {}), "r": ("refine", {})}
    report = check(workflow(nodes, "w.text -> c.text", "c.scalar -> n.side", "n.latent -> r.latent"), library, files)
    assert report.problems == ()
    assert set(report.specs) == {"w", "c"}


def test_an_optional_input_needs_no_wire(library: Library, files: Files) -> None:
    assert (
        check(workflow({"n": ("noise", {}), "p": ("paint", {})}, "n.latent -> p.latent"), library, files).problems == ()
    )


def test_a_fault_in_a_spec_function_is_said_and_breaks_nothing(library: Library, files: Files) -> None:
    broken = {**library, "words": replace(library["words"], spec=lambda text: text.no_such_thing)}
    (problem,) = check(workflow({"a": ("words", {})}), broken, files).problems
    assert "Words could not be checked (AttributeError" in problem.sentence


def test_a_chain_of_ten_thousand_nodes_is_checked_without_recursion(library: Library, files: Files) -> None:
    nodes = {f"n{i}": ("shout" if i else "words", {}) for i in range(10_000)}
    document = workflow(nodes, *(f"n{i}.text -> n{i + 1}.text" for i in range(9_999)))
    report = check(document, library, files)
    assert report.problems == ()
    assert len(report.specs) == 10_000


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("n.latent", "r.latent", None),
        ("n.latent", "p.over", "this output is a Latent; the input 'over' takes a Clip; put in between: Paint"),
        ("n.latent", "s.text", "this output is a Latent; the input 'text' takes a Text"),
        ("w.text", "n.side", "this output is a Text; the widget 'side' takes a Scalar"),
        ("w.text", "w2.text", None),
        ("k.scalar", "r.steps", None),
        ("odd.latent", "h.latent", "Got a latent 6 rows high; it needs a multiple of 4. Try 8."),
        ("h.top", "r2.latent", "'h' depends on 'r2' already; this wire would close a loop"),
        ("r2.latent", "r2.latent", "'r2' depends on 'r2' already; this wire would close a loop"),
        ("gone.text", "s.text", "there is no node 'gone' (any more)"),
    ],
)
def test_a_dragged_wire_is_refused_with_the_reason(
    source: str, target: str, said: str | None, library: Library, files: Files
) -> None:
    nodes = {
        "n": ("noise", {}),
        "odd": ("noise", {"side": 6}),
        "k": ("figure", {"value": 3}),
        "w": ("words", {}),
        "w2": ("words", {}),
        "s": ("shout", {}),
        "r": ("refine", {}),
        "p": ("paint", {}),
        "r2": ("refine", {}),
        "h": ("halve", {}),
    }
    document = workflow(nodes, "n.latent -> r2.latent", "r2.latent -> h.latent")
    ends = (Port(*source.split(".")), Port(*target.split(".")))
    assert why_not(document, *ends, library, files) == said
    assert why_not(document, *ends, library, files, check(document, library, files)) == said


def test_checking_reads_nothing_outside_the_workspace(library: Library, files: Files, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    for name in ("../secret.txt", str(tmp_path / "secret.txt"), "a\0b", "x" * 5000):
        (problem,) = check(workflow({"a": ("load_text", {"file": name})}), library, files).problems
        assert problem.level == "error"
