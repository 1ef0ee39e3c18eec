"""Groups: a graph that is used as a node is computed as if it stood there itself."""

import json
from itertools import pairwise
from typing import Any

import pytest
from engine_bench import Bench, workflow
from hypothesis import given
from hypothesis import strategies as st

from assets.files import Files
from nodes.api import Node
from pipelines.check import check, why_not
from pipelines.diff import RecordsDiff, apply, with_param
from pipelines.document import Document, DocumentError, Port, dumps, loads
from pipelines.groups import flatten, flattened, with_faces
from pipelines.set_aside import as_run
from pipelines.sweep import seeds

Library = dict[str, Node]


def node(node_type: str, **params: Any) -> dict[str, Any]:
    return {"type": node_type, "version": 1, "params": params}


def file(nodes: dict[str, Any], wires: list[str], groups: dict[str, Any] | None = None) -> Document:
    """A workflow as it is read from a file; wires as "a.text -> b.text"."""
    content = {"format": "patchloom/1", "nodes": nodes, "wires": as_wires(wires), "groups": groups or {}}
    return loads(json.dumps(content))


def as_wires(wires: list[str]) -> list[dict[str, Any]]:
    pairs = [[end.strip().split(".") for end in wire.split("->")] for wire in wires]
    return [{"from": source, "to": target} for source, target in pairs]


LOUD = {
    "label": "Loud",
    "nodes": {"first": node("shout", times=2), "second": node("shout")},
    "wires": as_wires(["first.text -> second.text"]),
    "inputs": {"text": [["first", "text"]]},
    "outputs": {"text": ["second", "text"]},
    "widgets": {"how often": ["second", "times"]},
}
NESTED = {
    "label": "Twice as loud",
    "nodes": {"before": node("group:loud"), "after": node("group:loud", **{"how often": 4})},
    "wires": as_wires(["before.text -> after.text"]),
    "inputs": {"text": [["before", "text"]]},
    "outputs": {"text": ["after", "text"]},
    "widgets": {"often": ["before", "how often"]},
}
GROUPS = {"loud": LOUD, "twice": NESTED}
PLAIN = workflow(
    {
        "w": ("words", {"text": "grouped"}),
        "a": ("shout", {"times": 2}),
        "b": ("shout", {"times": 3}),
        "n": ("count_letters", {}),
    },
    "w.text -> a.text",
    "a.text -> b.text",
    "b.text -> n.text",
)
GROUPED = file(
    {"w": node("words", text="grouped"), "g": node("group:loud", **{"how often": 3}), "n": node("count_letters")},
    ["w.text -> g.text", "g.text -> n.text"],
    {"loud": LOUD},
)


def test_a_group_is_unfolded_into_the_nodes_that_it_stands_for() -> None:
    flat = flattened(GROUPED)
    assert flat.nodes.keys() == {"w", "n", "g/first", "g/second"}
    assert flat.incoming["g/first"] == {"text": Port("w", "text")}
    assert flat.incoming["g/second"] == {"text": Port("g/first", "text")}
    assert flat.incoming["n"] == {"text": Port("g/second", "text")}
    assert flat.params("g/second") == {"times": 3}
    assert flat.params("g/first") == {"times": 2}


def test_groups_within_groups_are_unfolded_and_a_widget_is_set_through_all_of_them() -> None:
    document = file(
        {"w": node("words"), "g": node("group:twice", often=5), "h": node("group:twice")},
        ["w.text -> g.text", "g.text -> h.text"],
        GROUPS,
    )
    flat = flattened(document)
    assert flat.incoming["h/before/first"] == {"text": Port("g/after/second", "text")}
    assert flat.params("g/before/second")["times"] == 5
    assert flat.params("g/after/second")["times"] == 4
    assert "times" not in flat.params("h/before/second")


def test_one_input_leads_to_every_port_that_it_stands_for_and_a_widget_takes_a_wire() -> None:
    group = {
        "nodes": {"one": node("shout"), "other": node("shout")},
        "inputs": {"text": [["one", "text"], ["other", "text"]]},
        "widgets": {"times": ["other", "times"]},
    }
    nodes = {"w": node("words"), "v": node("figure", value=2), "g": node("group:both")}
    flat = flattened(file(nodes, ["w.text -> g.text", "v.scalar -> g.times"], {"both": group}))
    assert flat.incoming["g/one"] == {"text": Port("w", "text")}
    assert flat.incoming["g/other"] == {"text": Port("w", "text"), "times": Port("v", "scalar")}


def test_grouping_what_has_run_makes_nothing_run_again(bench: Bench) -> None:
    assert len(bench.run(PLAIN).ran) == 4
    summary = bench.run(GROUPED)
    assert (summary.ran, summary.failed) == ((), {})
    assert set(summary.cached) == {"w", "n", "g/first", "g/second"}
    assert bench.run(with_param(GROUPED, "g", "how often", 1)).ran == ("g/second", "n")


def test_a_run_of_one_node_in_a_group_does_what_that_one_needs(bench: Bench) -> None:
    document = with_param(GROUPED, "w", "text", "only this far")
    assert bench.run(document, {"g/first"}).ran == ("w", "g/first")
    with pytest.raises(ValueError, match="there is no node 'g/third' to run"):
        bench.run(document, {"g/third"})


def test_what_is_saved_by_a_node_in_a_group_carries_the_workflow_with_its_groups(bench: Bench) -> None:
    group = {"nodes": {"s": node("save_workflow", name="grouped.json")}, "inputs": {"text": [["s", "text"]]}}
    document = file({"w": node("words"), "g": node("group:kept")}, ["w.text -> g.text"], {"kept": group})
    assert bench.run(document).failed == {}
    assert loads((bench.files.outputs / "grouped.json").read_text()) == document


def test_the_check_names_the_node_inside_and_the_spec_of_what_comes_out(library: Library, files: Files) -> None:
    report = check(GROUPED, library, files)
    assert not report.problems
    assert report.specs["g/second"]["text"].text == "GROUPED!!!!!"
    wrong = check(with_param(GROUPED, "g", "how often", 99), library, files)
    assert wrong.errors.keys() == {"g/second"}


def test_a_wire_to_a_group_is_refused_for_the_reason_that_the_node_inside_has(library: Library, files: Files) -> None:
    document = apply(GROUPED, RecordsDiff(added={"node:z": node("noise")}))
    assert why_not(document, Port("w", "text"), Port("g", "text"), library, files) is None
    refusal = why_not(document, Port("z", "latent"), Port("g", "text"), library, files)
    assert "takes a Text" in str(refusal)
    assert "loop" in str(why_not(document, Port("g", "text"), Port("g", "text"), library, files))
    assert "no input 'gone'" in str(why_not(document, Port("w", "text"), Port("g", "gone"), library, files))


def test_a_muted_group_is_left_out_whole_and_a_bypassed_one_passes_its_input_on(library: Library) -> None:
    def seen(mode: str) -> Document:
        record = GROUPED.records["node:g"]
        return as_run(apply(GROUPED, RecordsDiff(updated={"node:g": (record, {**record, "mode": mode})})), library)

    assert seen("mute").nodes.keys() == {"w"}
    assert seen("bypass").nodes.keys() == {"w", "n"}
    assert seen("bypass").incoming["n"] == {"text": Port("w", "text")}


def test_a_group_that_is_gone_is_kept_as_it_is_and_said(library: Library, files: Files) -> None:
    document = file({"w": node("words"), "g": node("group:gone")}, ["w.text -> g.text"])
    assert "has no group 'gone'" in check(document, library, files).errors["g"].sentence
    assert loads(dumps(document)) == document


def test_a_group_shows_the_ports_and_widgets_of_what_is_inside(library: Library) -> None:
    face = with_faces(library, file({}, [], GROUPS))["group:twice"]
    assert (face.label, face.inputs["text"].type, face.outputs["text"].type) == ("Twice as loud", "Text", "Text")
    assert (face.widgets["often"].type, face.widgets["often"].default) == ("int", 1)


def test_groups_that_hold_themselves_are_refused() -> None:
    ring = {"a": {"nodes": {"n": node("group:b")}}, "b": {"nodes": {"n": node("group:a")}}}
    with pytest.raises(DocumentError, match=r"a group would hold itself \(.* > .*\); take one of them out"):
        file({"n": node("group:a")}, [], ring)
    records = file({"n": node("group:a")}, [], {"a": {"nodes": {"x": node("words")}}}).records
    with pytest.raises(DocumentError, match="hold itself"):
        flattened(Document({**records, "node:a:y": node("group:a")}))


def test_groups_that_unfold_into_a_flood_are_refused() -> None:
    flood = {f"g{n}": {"nodes": {f"n{k}": node(f"group:g{n + 1}") for k in range(10)}} for n in range(20)}
    with pytest.raises(DocumentError, match="unfolded they have 1000"):
        file({}, [], flood)
    deep = {f"g{n}": {"nodes": {"n": node(f"group:g{n + 1}")}} for n in range(40)}
    with pytest.raises(DocumentError, match="nested"):
        file({}, [], deep)


def test_a_wire_that_leaves_a_group_is_refused_as_an_edit() -> None:
    record = {"from": ["w", "text"], "to": ["loud:first", "text"]}
    with pytest.raises(DocumentError, match="it leaves the group 'loud'"):
        RecordsDiff.from_json({"added": {"wire:loud:first.text": record}})


def test_each_of_several_seeds_reaches_into_groups(library: Library) -> None:
    group = {"nodes": {"z": node("noise", seed=5)}, "outputs": {"latent": ["z", "latent"]}}
    document = file({"g": node("group:dice")}, [], {"dice": group})
    made = [flattened(varied).params("g/z")["seed"] for _, varied in seeds(document, library, 3)]
    assert made == [5, 6, 7]
    assert len(seeds(document, library, 2, ["g/z"])) == 2


TYPES = st.sampled_from(["words", "shout"])


@st.composite
def grouped_chains(draw: st.DrawFn) -> tuple[Document, Document]:
    """A chain of nodes, and the same chain with stretches of it in groups, in groups again."""
    length = draw(st.integers(2, 8))
    times = draw(st.lists(st.integers(1, 5), min_size=length, max_size=length))
    plain = {"w": node("words")} | {f"n{at}": node("shout", times=value) for at, value in enumerate(times)}
    order = list(plain)
    wires = [f"{a}.text -> {b}.text" for a, b in pairwise(order)]
    groups: dict[str, Any] = {}
    nodes = dict(plain)
    for number in range(draw(st.integers(1, 3))):
        if len(order) < 3:
            break
        first = draw(st.integers(1, len(order) - 1))
        last = draw(st.integers(first, len(order) - 1))
        inside = order[first : last + 1]
        groups[f"g{number}"] = {
            "nodes": {name: nodes.pop(name) for name in inside},
            "wires": as_wires([f"{a}.text -> {b}.text" for a, b in pairwise(inside)]),
            "inputs": {"text": [[inside[0], "text"]]},
            "outputs": {"text": [inside[-1], "text"]},
        }
        order[first : last + 1] = [f"u{number}"]
        nodes[f"u{number}"] = node(f"group:g{number}")
    new_wires = [f"{a}.text -> {b}.text" for a, b in pairwise(order)]
    return file(plain, wires), file(nodes, new_wires, groups)


@given(grouped_chains())
def test_however_a_chain_is_grouped_the_same_is_computed(chains: tuple[Document, Document]) -> None:
    plain, grouped = chains
    flat = flatten(grouped)
    inner = {name.rsplit("/", 1)[-1]: name for name in flat.document.nodes}
    assert inner.keys() == plain.nodes.keys()
    for name, record in plain.nodes.items():
        assert flat.document.nodes[inner[name]] == record
        sources = {port: Port(inner[source.node], source.name) for port, source in plain.incoming[name].items()}
        assert flat.document.incoming[inner[name]] == sources
    assert loads(dumps(grouped)) == grouped
