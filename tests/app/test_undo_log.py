"""Undo outlives the server: what is read back from disk does what the one in memory did."""

import sqlite3
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app.editor.history import LONGEST, Edit, History
from app.editor.past import FILE, Past
from pipelines.diff import RecordsDiff, apply, reverse
from pipelines.document import Document, Port
from pipelines.upgrades import upgraded

STEPS = st.lists(st.sampled_from(["add", "type", "undo", "redo", "keep"]), max_size=40)


def edit(number: int, group: str = "") -> Edit:
    return Edit(f"Edit {number}", RecordsDiff(added={f"layout:{number}": {"x": number, "y": 0}}), group)


def everything(history: History) -> list[object]:
    """What undoing all and redoing all would do."""
    seen: list[object] = [history.names("ann")]
    while (diff := history.undo("ann")) is not None:
        seen += [diff, history.names("ann")]
    while (diff := history.redo("ann")) is not None:
        seen += [diff, history.names("ann")]
    return seen


@given(STEPS)
def test_what_is_kept_is_what_was_done(tmp_path_factory, steps: list[str]) -> None:  # type: ignore[no-untyped-def]
    past = Past(tmp_path_factory.mktemp("home"))
    history = History()
    for number, step in enumerate([*steps, "keep"]):
        match step:
            case "add":
                history.add("ann", edit(number))
            case "type":
                history.add("ann", edit(number, "one visit to a field"))
            case "undo":
                history.undo("ann")
            case "redo":
                history.redo("ann")
            case "keep":
                past.undo.write("w", history.take_unkept())
    assert everything(History(past.undo.load("w", Document()))) == everything(history)
    past.close()


def test_the_oldest_edits_are_dropped_from_the_disk_too(tmp_path: Path) -> None:
    past, history = Past(tmp_path), History()
    for number in range(LONGEST + 20):
        history.add("ann", edit(number))
        past.undo.write("w", history.take_unkept())
    (line,) = past.undo.load("w", Document()).values()
    assert [each.label for each in line.edits] == [f"Edit {number}" for number in range(20, LONGEST + 20)]
    assert line.done == LONGEST
    past.close()


def test_one_more_edit_writes_that_edit_alone(tmp_path: Path) -> None:
    history = History()
    for number in range(100):
        history.add("ann", edit(number))
    history.take_unkept()
    history.add("ann", edit(100))
    (change,) = history.take_unkept()
    assert [each.label for each in change.edits] == ["Edit 100"]


def test_what_the_disk_did_not_take_is_given_again(tmp_path: Path) -> None:
    past, history = Past(tmp_path), History()
    history.add("ann", edit(1))
    history.take_unkept()
    history.take_none_as_kept()
    past.undo.write("w", history.take_unkept())
    assert History(past.undo.load("w", Document())).names("ann") == {"undo": "Edit 1", "redo": None}
    past.close()


def test_a_line_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    past = Past(tmp_path)
    for workflow in ("w", "damaged"):
        history = History()
        history.add("ann", edit(1))
        past.undo.write(workflow, history.take_unkept())
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE edits SET diff = ? WHERE workflow = 'damaged'", (b"no deflate",))
    connection.close()
    assert not past.undo.load("damaged", Document())
    assert past.undo.load("w", Document())
    past.close()


def test_a_new_workflow_of_that_name_begins_without_undo(tmp_path: Path) -> None:
    past, history = Past(tmp_path), History()
    history.add("ann", edit(1))
    past.undo.write("w", history.take_unkept())
    past.undo.forget("w")
    assert not past.undo.load("w", Document())
    past.close()


FLAT = {"type": "flatten", "version": 1, "params": {"gray": 128}}
WIRED = {"from": ["say", "text"], "to": ["flat", "gray"]}
USE = {"type": "group:look", "version": 1, "params": {}}
# Each edit as an older version wrote it: what it names is in another edit, or in what the workflow was before.
OLD_EDITS = [
    RecordsDiff(added={"node:flat": FLAT, "layout:flat": {"x": 0, "y": 0}}),
    RecordsDiff(updated={"node:flat": (FLAT, {**FLAT, "params": {"gray": 0}})}),
    RecordsDiff(updated={"layout:flat": ({"x": 0, "y": 0}, {"x": 0, "y": 0, "ports": ["gray"]})}),
    RecordsDiff(added={"wire:flat.gray": WIRED}),
    RecordsDiff(updated={"wire:flat.gray": (WIRED, {**WIRED, "via": [[1, 2]]})}),
    RecordsDiff(updated={"meta:app": ({"widgets": [], "results": []}, {"widgets": [["flat", "gray"]], "results": []})}),
    RecordsDiff(updated={"node:use": (USE, {**USE, "params": {"back": 255}})}),
    RecordsDiff(updated={"group:look": ({"widgets": {}}, {"widgets": {"back": ["in", "gray"]}})}),
    RecordsDiff(removed={"wire:flat.gray": {**WIRED, "via": [[1, 2]]}}),
]  # fmt: skip
BEFORE = {
    "node:say": {"type": "prompt", "version": 1, "params": {}},
    "node:look:in": {"type": "flatten", "version": 1, "params": {"gray": 7}},
    "node:use": USE,
    "group:look": {"widgets": {}},
    "meta:app": {"widgets": [], "results": []},
}


def test_edits_that_an_older_version_wrote_are_those_of_the_workflow_as_it_is_written_now(tmp_path: Path) -> None:
    past, history = Past(tmp_path), History()
    documents = [Document(BEFORE)]
    for number, diff in enumerate(OLD_EDITS):
        history.add("ann", Edit(f"Edit {number}", diff))
        documents.append(apply(documents[-1], diff))
    past.undo.write("w", history.take_unkept())
    now = [Document(upgraded(dict(document.records))) for document in documents]
    edits = past.undo.load("w", now[-1])["ann"].edits
    going = now[-1]
    for edit, wanted in zip(reversed(edits), reversed(now[:-1]), strict=True):
        going = apply(going, reverse(edit.diff))
        # A group showed the widget once the use was set: what it was set to before that says nothing of the version.
        assert {**going.records, "node:use": None} == {**wanted.records, "node:use": None}
    for edit, wanted in zip(edits, now[1:], strict=True):
        going = apply(going, edit.diff)
        assert {**going.records, "node:use": None} == {**wanted.records, "node:use": None}
    assert now[4].wires[0].target == Port("flat", "colour")
    assert edits[6].diff.updated["node:use"][1]["params"] == {"back": "#ffffff"}
    past.close()
