"""What the page shows of a run."""

from typing import Any

from app.editor.board import Board, fingerprints
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document
from pipelines.events import Event

CHAIN = Document(
    {
        "node:a": {"type": "prompt", "version": 1, "params": {"text": "a ball"}},
        "node:b": {"type": "encode", "version": 1, "params": {}},
        "layout:a": {"x": 0, "y": 0},
        "wire:b.text": {"from": ["a", "text"], "to": ["b", "text"]},
    }
)


def ran() -> Board:
    board = Board("test")
    board.begin(CHAIN, None)
    for name in ("a", "b"):
        board.see(Event("started", "r", name))
        board.see(Event("done", "r", name, seconds=1.0, outputs={"text": "d" * 64}))
    board.see(Event("finished", "r"))
    board.take_changes()
    return board


def changed(document: Document, key: str, record: Any) -> Document:
    return apply(document, RecordsDiff(updated={key: (document.records[key], record)}))


def statuses(board: Board) -> dict[str, str]:
    return {name: state.status for name, state in board.nodes.items()}


def test_a_change_makes_the_node_and_what_follows_stale_and_undoing_it_makes_them_fresh_again() -> None:
    board = ran()
    assert statuses(board) == {"a": "fresh", "b": "fresh"}
    other = changed(CHAIN, "node:a", {"type": "prompt", "version": 1, "params": {"text": "a star"}})
    board.follow(other)
    assert statuses(board) == {"a": "stale", "b": "stale"}
    board.follow(CHAIN)
    assert statuses(board) == {"a": "fresh", "b": "fresh"}


def test_moving_a_node_makes_nothing_stale() -> None:
    board = ran()
    board.follow(changed(CHAIN, "layout:a", {"x": 500, "y": 0}))
    assert statuses(board) == {"a": "fresh", "b": "fresh"}
    assert board.take_changes() == []


def test_a_number_that_a_browser_wrote_otherwise_makes_nothing_stale() -> None:
    """JSON.parse and back makes 4 of 4.0, so a node that was only put into a group was stale."""

    def sampling(guidance: float) -> Document:
        params = {"guidance": guidance, "seed": 3}
        return Document({**CHAIN.records, "node:s": {"type": "sample", "version": 1, "params": params}})

    assert fingerprints(sampling(4.0)) == fingerprints(sampling(4))
    assert fingerprints(sampling(4.5)) != fingerprints(sampling(4))


def test_an_edit_during_the_run_leaves_its_results_stale() -> None:
    board = Board("test")
    board.begin(CHAIN, None)
    edited = changed(CHAIN, "node:a", {"type": "prompt", "version": 1, "params": {"text": "a star"}})
    board.follow(edited)
    board.see(Event("done", "r", "a", seconds=1.0, outputs={}))
    assert board.nodes["a"].status == "stale"


def test_previews_have_an_address_of_their_own_each_and_their_bytes_stay_out_of_the_messages() -> None:
    board = Board("test")
    board.begin(CHAIN, None)
    board.see(Event("started", "r", "a"))
    addresses = set()
    for picture in (b"one", b"two"):
        board.see(Event("preview", "r", "a", media_type="image/png", data=picture))
        (message,) = [message for message in board.take_changes() if message["kind"] == "nodes"]
        addresses.add(message["nodes"]["a"]["preview"]["url"])
        assert board.pictures["a"].data == picture
    assert len(addresses) == 2


def test_the_reason_of_a_failure_is_told_and_the_rest_is_not_left_running() -> None:
    board = Board("test")
    board.begin(CHAIN, None)
    board.see(Event("started", "r", "a"))
    board.see(Event("failed", "r", "a", error="the prompt is empty; write one"))
    board.see(Event("finished", "r"))
    assert board.nodes["a"].to_json()["message"] == "the prompt is empty; write one"
    assert statuses(board) == {"a": "failed", "b": "cancelled"}
    assert board.run["active"] is False


def test_a_failed_node_that_was_changed_since_is_stale_and_its_failure_is_not_told_any_more() -> None:
    board = Board("test")
    board.begin(CHAIN, None)
    board.see(Event("failed", "r", "a", error="the prompt is empty; write one"))
    board.follow(changed(CHAIN, "node:a", {"type": "prompt", "version": 1, "params": {"text": "a star"}}))
    assert board.nodes["a"].status == "stale"
    board.follow(CHAIN)
    assert board.nodes["a"].status == "failed"


def test_a_node_that_was_deleted_is_taken_off_the_board() -> None:
    board = ran()
    board.follow(apply(CHAIN, RecordsDiff(removed={"node:b": CHAIN.records["node:b"]})))
    assert board.take_changes() == [{"kind": "nodes", "nodes": {"b": None}}]


def test_a_node_says_how_many_of_its_steps_were_not_taken_anew() -> None:
    board = ran()
    assert "reused" not in board.everything()["b"]
    board.begin(CHAIN, None)
    board.see(Event("done", "r", "b", seconds=1.0, outputs={"text": "d" * 64}, reused=8, total=24))
    shown = board.everything()["b"]
    assert (shown["reused"], shown["steps"]) == (8, 24)
