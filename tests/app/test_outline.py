"""What the page shows of a group while and after the nodes inside of it run."""

from pathlib import Path
from typing import Any

from app.editor.board import Board
from app.editor.outline import outline, with_groups
from app.editor.rebase import rebase
from assets.files import Files
from nodes.registry import library
from pipelines.check import check
from pipelines.diff import RecordsDiff, apply, with_param
from pipelines.document import Document
from pipelines.events import Event
from pipelines.set_aside import as_run

GROUPED = Document(
    {
        "group:look": {
            "label": "Look",
            "inputs": {"text": [["expand", "text"]]},
            "outputs": {"caption": ["again", "text"]},
            "widgets": {},
        },
        "node:look:expand": {"type": "expand_prompt", "version": 1, "params": {}},
        "node:look:again": {"type": "expand_prompt", "version": 1, "params": {}},
        "layout:look:again": {"x": 0, "y": 0, "title": "Once more"},
        "wire:look:again.text": {"from": ["look:expand", "text"], "to": ["look:again", "text"]},
        "node:prompt": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "node:g": {"type": "group:look", "version": 1, "params": {}},
        "wire:g.text": {"from": ["prompt", "text"], "to": ["g", "text"]},
    }
)


def begun(document: Document = GROUPED) -> Board:
    board = Board("test")
    running = as_run(document, library())
    board.begin(running, None)
    board.follow(running, outline(document, running, library()))
    return board


def told(board: Board, *events: Event) -> dict[str, Any]:
    for event in events:
        board.see(event)
    messages = [message["nodes"] for message in board.take_changes() if message["kind"] == "nodes"]
    return messages[0] if messages else {}


def test_a_group_runs_while_a_node_inside_does_and_gives_what_its_output_leads_to() -> None:
    board = begun()
    assert told(board)["g"] == {"status": "queued", "views": []}
    running = told(board, Event("started", "r", "g/expand"), Event("step", "r", "g/expand", step=2, total=8))
    assert (running["g"]["status"], running["g"]["step"], running["g"]["steps"]) == ("running", 2, 8)
    first = Event("done", "r", "g/expand", seconds=1.0, outputs={"text": "a" * 64})
    assert told(board, first)["g"]["status"] == "queued"
    second = Event("done", "r", "g/again", seconds=2.0, outputs={"text": "b" * 64})
    done = told(board, second)["g"]
    assert (done["status"], done["seconds"]) == ("fresh", 3.0)
    assert done["views"] == [{"output": "caption", "digest": "b" * 64, "url": f"/view/{'b' * 64}"}]


def test_a_preview_and_a_failure_inside_are_shown_on_the_group_with_the_name_of_the_node() -> None:
    board = begun()
    picture = Event("preview", "r", "g/again", media_type="image/png", data=b"png")
    shown = told(board, Event("started", "r", "g/again"), picture)
    assert shown["g"]["preview"] == shown["g/again"]["preview"]
    failed = told(board, Event("failed", "r", "g/again", error="the prompt is empty; write one"))
    assert (failed["g"]["status"], failed["g"]["message"]) == ("failed", "Once more: the prompt is empty; write one")


def test_a_change_inside_makes_the_group_stale_and_dissolving_it_takes_it_off_the_board() -> None:
    board = begun()
    outputs = {"text": "a" * 64}
    told(board, *(Event("done", "r", node, seconds=1.0, outputs=outputs) for node in ("prompt", "g/expand", "g/again")))
    edited = with_param(GROUPED, "look:again", "seed", 3)
    running = as_run(edited, library())
    board.follow(running, outline(edited, running, library()))
    assert told(board)["g"]["status"] == "stale"
    gone = {key: record for key, record in GROUPED.records.items() if key in ("node:g", "wire:g.text")}
    left = apply(GROUPED, RecordsDiff(removed=gone))
    board.follow(as_run(left, library()), outline(left, as_run(left, library()), library()))
    assert told(board)["g"] is None
    assert board.everything().keys() == {"prompt"}


def test_grouping_what_has_run_and_taking_the_group_apart_leaves_it_as_it_was() -> None:
    flat = as_run(GROUPED, library())
    names = {"prompt": "prompt", "g/expand": "expand", "g/again": "again"}
    records: dict[str, Any] = {f"node:{names[node]}": record for node, record in flat.nodes.items()}
    for wire in flat.wires:
        target = [names[wire.target.node], wire.target.name]
        records[f"wire:{'.'.join(target)}"] = {"from": [names[wire.source.node], wire.source.name], "to": target}
    dissolved = Document(records)
    board = begun(dissolved)
    done = (Event("done", "r", node, seconds=1.0, outputs={"text": "a" * 64}) for node in ("prompt", "expand", "again"))
    told(board, *done)
    board.follow(flat, outline(GROUPED, flat, library()))
    shown = told(board)
    assert {node: state and state["status"] for node, state in shown.items()} == {
        "g": "fresh",
        "g/expand": "fresh",
        "g/again": "fresh",
        "expand": None,
        "again": None,
    }
    edited = with_param(GROUPED, "prompt", "text", "a star")
    board.follow(as_run(edited, library()), outline(edited, as_run(edited, library()), library()))
    board.follow(as_run(with_param(dissolved, "prompt", "text", "a star"), library()))
    assert told(board)["again"]["status"] == "stale"


def test_problems_inside_are_said_of_the_group_at_the_port_that_they_are_about(workspace: Path) -> None:
    files = Files((workspace,), workspace)
    unwired = apply(GROUPED, RecordsDiff(removed={"wire:g.text": GROUPED.records["wire:g.text"]}))
    report = with_groups(check(unwired, library(), files), unwired, library())
    (problem,) = [problem for problem in report.problems if problem.node == "g" and problem.port]
    assert (problem.port, problem.level) == ("text", "error")
    assert problem.sentence.startswith("Expand prompt: the input 'text'")


def test_what_comes_out_of_a_group_is_known_as_what_it_is_inside(workspace: Path) -> None:
    files = Files((workspace,), workspace)
    records = {
        "group:words": {"outputs": {"said": ["prompt", "text"]}},
        "node:words:prompt": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "node:g": {"type": "group:words", "version": 1, "params": {}},
    }
    report = with_groups(check(Document(records), library(), files), Document(records), library())
    assert report.specs["g"] == {"said": report.specs["g/prompt"]["text"]}


def test_an_edit_inside_a_group_that_another_page_removed_brings_nothing_back() -> None:
    without = Document({"node:prompt": GROUPED.records["node:prompt"]})
    late = RecordsDiff(added={"node:look:new": {"type": "prompt", "version": 1}})
    assert not rebase(late, without)
    face = RecordsDiff(removed={"group:look": GROUPED.records["group:look"]})
    assert {"node:look:expand", "wire:look:again.text", "layout:look:again"} <= rebase(face, GROUPED).removed.keys()
