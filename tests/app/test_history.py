"""Undo: by person, by name, and never more than what that person did."""

from typing import Any

from app.editor.history import Edit, History
from app.editor.rebase import rebase
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document


def node(**params: Any) -> dict[str, Any]:
    return {"type": "prompt", "version": 1, "params": params}


def test_undo_and_redo_lead_back_and_forth() -> None:
    history, document = History(), Document()
    diff = RecordsDiff(added={"node:a": node()})
    changed = apply(document, diff)
    history.add("ann", Edit("Add Prompt", diff))
    assert history.names("ann") == {"undo": "Add Prompt", "redo": None}
    back = history.undo("ann")
    assert back is not None
    assert apply(changed, back).records == document.records
    assert history.names("ann") == {"undo": None, "redo": "Add Prompt"}
    again = history.redo("ann")
    assert again is not None
    assert apply(document, again).records == changed.records


def test_edits_of_one_visit_to_a_field_undo_as_one() -> None:
    history = History()
    for before, after in (("a", "ab"), ("ab", "abc")):
        diff = RecordsDiff(updated={"node:a": (node(text=before), node(text=after))})
        history.add("ann", Edit("Change text", diff, "a.text:visit 1"))
    back = history.undo("ann")
    assert back == RecordsDiff(updated={"node:a": (node(text="abc"), node(text="a"))})
    assert history.undo("ann") is None


def test_a_person_undoes_only_their_own_edits() -> None:
    history = History()
    history.add("ann", Edit("Add Prompt", RecordsDiff(added={"node:a": node()})))
    assert history.undo("ben") is None
    assert history.names("ben") == {"undo": None, "redo": None}


def test_a_new_edit_ends_what_could_be_redone() -> None:
    history = History()
    history.add("ann", Edit("Add Prompt", RecordsDiff(added={"node:a": node()})))
    history.undo("ann")
    history.add("ann", Edit("Add Preview", RecordsDiff(added={"node:b": node()})))
    assert history.redo("ann") is None


def test_two_pages_change_two_widgets_of_one_node_and_both_stay() -> None:
    document = Document({"node:a": node(seed=1, steps=10)})
    seed = RecordsDiff(updated={"node:a": (node(seed=1, steps=10), node(seed=2, steps=10))})
    steps = RecordsDiff(updated={"node:a": (node(seed=1, steps=10), node(seed=1, steps=20))})
    document = apply(document, rebase(seed, document))
    document = apply(document, rebase(steps, document))
    assert document.nodes["a"] == node(seed=2, steps=20)


def test_an_edit_of_a_node_that_is_gone_does_not_bring_it_back() -> None:
    late = RecordsDiff(
        updated={"node:a": (node(), node(text="late")), "layout:a": ({"x": 0, "y": 0}, {"x": 1, "y": 0})}
    )
    assert not rebase(late, Document())


def test_a_wire_needs_both_of_its_nodes() -> None:
    document = Document({"node:a": node(), "node:b": node()})
    wire = {"from": ["a", "text"], "to": ["b", "text"]}
    wired = apply(document, rebase(RecordsDiff(added={"wire:b.text": wire}), document))
    assert len(wired.wires) == 1
    gone = rebase(RecordsDiff(removed={"node:a": node()}), wired)
    assert gone.removed.keys() == {"node:a", "wire:b.text"}
    left = apply(wired, gone)
    assert not rebase(RecordsDiff(added={"wire:b.text": wire}), left)
