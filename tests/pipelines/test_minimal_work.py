"""Random graphs and random edits: what runs is exactly what a naive recomputation proves to be new."""

from typing import Any

from engine_bench import Bench, workflow
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.diff import apply, between
from pipelines.document import Document
from pipelines.plan import plan

Graph = list[tuple[str, int, bool]]
Computation = tuple[Any, ...]
# Node i is a text by hand (of two, which differ in capitals alone) or shouts what an earlier node says, or counts it.
# The last of the three says by which of two ids the node is known, which does not count.
NODE = st.tuples(st.sampled_from(["minimal", "MINIMAL", "1", "2", "count"]), st.integers(0, 9), st.booleans())
GRAPHS = st.lists(NODE, min_size=1, max_size=8)
# An edit puts another node in the place of one, or adds one; a target asks for one node and what it needs.
EDITS = st.lists(st.tuples(st.integers(0, 8), NODE, st.none() | st.integers(0, 9)), max_size=4)


def edited(graph: Graph, at: int, node: tuple[str, int, bool]) -> Graph:
    return [*graph[:at], node, *graph[at + 1 :]]


def document(graph: Graph) -> Document:
    names = [f"{'other' if renamed else 'n'}{number}" for number, (_, _, renamed) in enumerate(graph)]
    texts = [number for number, (choice, _, _) in enumerate(graph) if choice != "count"]
    nodes: dict[str, Any] = {}
    wires = []
    for number, (choice, source, _) in enumerate(graph):
        earlier = [text for text in texts if text < number]
        if choice == "count" and earlier:
            nodes[names[number]] = ("count_letters", {})
        elif choice.isdigit() and earlier:
            nodes[names[number]] = ("shout", {"times": int(choice)})
        else:
            nodes[names[number]] = ("words", {"text": choice})
            continue
        wires.append(f"{names[earlier[source % len(earlier)]]}.text -> {names[number]}.text")
    return workflow(nodes, *wires)


def computations(made: Document, targets: set[str] | None = None) -> dict[str, Computation]:
    """What each node computes from what, by a naive evaluation of the whole graph."""
    texts: dict[str, str] = {}
    done: dict[str, Computation] = {}
    for node in plan(made, targets).order:
        kind, params = made.nodes[node]["type"], made.params(node)
        if kind == "words":
            texts[node] = params["text"]
            done[node] = (kind, texts[node])
            continue
        given_text = texts[made.incoming[node]["text"].node]
        done[node] = (kind, given_text, params.get("times"))
        if kind == "shout":
            texts[node] = given_text.upper() + "!" * params["times"]
    return done


KNOWN: set[Computation] = set()


@settings(max_examples=40)
@given(GRAPHS, EDITS)
def test_what_runs_is_what_was_never_computed_before(
    bench: Bench, graph: Graph, edits: list[tuple[int, tuple[str, int, bool], int | None]]
) -> None:
    made = document(graph)
    check(bench, made, None)
    for at, node, target in edits:
        graph = edited(graph, min(at, len(graph)), node)
        made = apply(made, between(made, document(graph)))
        check(bench, made, None if target is None else {list(made.nodes)[target % len(made.nodes)]})


def check(bench: Bench, made: Document, targets: set[str] | None) -> None:
    wanted = computations(made, targets)
    summary = bench.run(made, targets)
    ran = [wanted[node] for node in summary.ran]
    assert summary.failed == {}
    assert len(ran) == len(set(ran))
    assert set(ran) == set(wanted.values()) - KNOWN
    assert set(summary.ran) | set(summary.cached) == wanted.keys()
    KNOWN.update(wanted.values())
