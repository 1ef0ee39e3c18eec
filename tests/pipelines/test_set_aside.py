"""Bypassed and muted nodes: what the check and a run make of them."""

from engine_bench import Bench, workflow

from assets.files import Files
from nodes.api import Node
from pipelines.check import check
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, Port
from pipelines.set_aside import without_set_aside

Library = dict[str, Node]
CHAIN = workflow(
    {
        "w": ("words", {"text": "set aside"}),
        "s": ("shout", {}),
        "t": ("shout", {"times": 2}),
        "n": ("count_letters", {}),
    },
    "w.text -> s.text",
    "s.text -> t.text",
    "t.text -> n.text",
)


def with_mode(document: Document, mode: str, *nodes: str) -> Document:
    return apply(
        document,
        RecordsDiff(
            updated={f"node:{node}": (document.nodes[node], {**document.nodes[node], "mode": mode}) for node in nodes}
        ),
    )


def test_a_bypassed_node_passes_its_input_on_even_through_a_row_of_them(library: Library) -> None:
    seen = without_set_aside(with_mode(CHAIN, "bypass", "s", "t"), library)
    assert seen.nodes.keys() == {"w", "n"}
    assert seen.incoming["n"] == {"text": Port("w", "text")}


def test_a_muted_node_is_left_out_with_those_that_need_it_and_nothing_else(library: Library) -> None:
    assert without_set_aside(with_mode(CHAIN, "mute", "s"), library).nodes.keys() == {"w"}
    assert without_set_aside(with_mode(CHAIN, "mute", "t"), library).nodes.keys() == {"w", "s"}


def test_a_bypassed_node_that_has_nothing_to_pass_on_counts_as_muted(library: Library) -> None:
    assert without_set_aside(with_mode(CHAIN, "bypass", "w"), library).nodes.keys() == set()


def test_a_widget_wired_to_a_muted_node_has_its_own_value_again(library: Library) -> None:
    nodes = {"w": ("words", {"text": "muted"}), "v": ("words", {"text": "own"}), "s": ("shout", {})}
    document = workflow(nodes, "w.text -> v.text", "v.text -> s.text")
    seen = without_set_aside(with_mode(document, "mute", "w"), library)
    assert seen.nodes.keys() == {"v", "s"}
    assert seen.incoming["v"] == {}


def test_a_loop_of_bypassed_nodes_ends(library: Library) -> None:
    loop = workflow({"s": ("shout", {}), "t": ("shout", {})}, "s.text -> t.text", "t.text -> s.text")
    assert without_set_aside(with_mode(loop, "bypass", "s", "t"), library).nodes.keys() == set()


def test_a_document_without_them_is_the_same_one(library: Library) -> None:
    assert without_set_aside(CHAIN, library) is CHAIN


def test_the_check_finds_nothing_wrong_with_them_and_knows_what_a_bypassed_node_passes_on(
    library: Library, files: Files
) -> None:
    wrong = workflow({"w": ("words", {}), "s": ("shout", {"times": 99})}, "w.text -> s.text")
    assert check(wrong, library, files).errors.keys() == {"s"}
    report = check(with_mode(wrong, "bypass", "s"), library, files)
    assert not report.problems
    assert report.specs["s"]["text"] == report.specs["w"]["text"]


def test_a_run_passes_them_by(bench: Bench) -> None:
    summary = bench.run(with_mode(CHAIN, "bypass", "s", "t"))
    assert set(summary.ran) == {"w", "n"}
    assert set(bench.run(with_mode(CHAIN, "mute", "t")).outputs) == {"w", "s"}
