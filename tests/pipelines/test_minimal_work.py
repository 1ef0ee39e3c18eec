"""Random graphs and random edits: what runs is exactly what a naive recomputation proves to be new."""

from typing import Any

from engine_bench import Bench, workflow
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.document import Document
from pipelines.plan import plan

Graph = list[tuple[str, int]]
# Node i is a text by hand (of two, which differ in capitals alone) or shouts what an earlier node says.
NODE = st.tuples(st.sampled_from(["minimal", "MINIMAL", "1", "2"]), st.integers(0, 9))
GRAPHS = st.lists(NODE, min_size=1, max_size=8)


def document(graph: Graph) -> Document:
    nodes: dict[str, Any] = {"n0": ("words", {"text": graph[0][0]})}
    wires = []
    for number, (choice, source) in enumerate(graph[1:], 1):
        if choice.isdigit():
            nodes[f"n{number}"] = ("shout", {"times": int(choice)})
            wires.append(f"n{source % number}.text -> n{number}.text")
        else:
            nodes[f"n{number}"] = ("words", {"text": choice})
    return workflow(nodes, *wires)


def computations(made: Document) -> dict[str, tuple[Any, ...]]:
    """What each node computes from what, by a naive evaluation of the whole graph."""
    texts: dict[str, str] = {}
    done: dict[str, tuple[Any, ...]] = {}
    for node in plan(made).order:
        params = made.params(node)
        if made.nodes[node]["type"] == "words":
            texts[node] = params["text"]
            done[node] = ("words", texts[node])
        else:
            given_text = texts[made.incoming[node]["text"].node]
            texts[node] = given_text.upper() + "!" * params["times"]
            done[node] = ("shout", given_text, params["times"])
    return done


KNOWN: set[tuple[Any, ...]] = set()


@settings(max_examples=40)
@given(st.lists(GRAPHS, min_size=1, max_size=3))
def test_what_runs_is_what_was_never_computed_before(bench: Bench, graphs: list[Graph]) -> None:
    for graph in graphs:
        made = document(graph)
        wanted = computations(made)
        summary = bench.run(made)
        ran = [wanted[node] for node in summary.ran]
        assert len(ran) == len(set(ran))
        assert set(ran) == set(wanted.values()) - KNOWN
        KNOWN.update(wanted.values())
