"""The queue and the history: what waits, what was, and that neither is ever lost."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_nodes
from engine_bench import TIMEOUT, Bench, workflow

from pipelines.database import Held
from pipelines.document import Document
from pipelines.queue import Book, Entry, Queue, entry
from pipelines.queue.book import RunUnknown

ENDLESS = 10**9


class Queued:
    """A queue on an executor of small nodes."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder)
        bench = self.bench
        self.queue = Queue(folder, bench.executor, small_nodes.library(), bench.store, bench.files)
        self.book = self.queue.book

    def close(self) -> None:
        self.queue.close()
        self.bench.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queued]:
    queued = Queued(tmp_path_factory.mktemp("queue"))
    queued.queue.start()
    yield queued
    queued.close()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path / "runs.db")
    yield book
    book.close()


def text(words: str) -> Document:
    return workflow({"w": ("words", {"text": words}), "s": ("shout", {})}, "w.text -> s.text")


def long(seed: int) -> Document:
    nodes = {"n": ("noise", {"seed": seed}), "r": ("refine", {"steps": ENDLESS})}
    return workflow(nodes, "n.latent -> r.latent")


def names(entries: list[Entry]) -> list[str]:
    return [each.workflow for each in entries]


def filled(book: Book, *workflows: str) -> dict[str, str]:
    """Ids of queued runs by the name of their workflow."""
    runs = [entry(name) for name in workflows]
    book.add([(run, text(run.workflow)) for run in runs])
    return {run.workflow: run.id for run in runs}


def test_runs_wait_in_order_and_can_be_moved_and_put_first(book: Book) -> None:
    ids = filled(book, "a", "b", "c")
    book.add([(entry("d"), text("d")), (entry("e"), text("e"))], first=True)
    assert names(book.waiting()) == ["d", "e", "a", "b", "c"]
    book.move(ids["c"], before=ids["a"])
    assert names(book.waiting()) == ["d", "e", "c", "a", "b"]
    book.move(ids["c"])
    assert names(book.waiting()) == ["d", "e", "a", "b", "c"]
    begun = book.begin()
    assert begun
    assert begun.workflow == "d"
    with pytest.raises(RunUnknown, match="not waiting"):
        book.move(begun.id)


def test_a_run_keeps_the_exact_document_that_it_was_queued_with(book: Book) -> None:
    document = Document({**text("exact").records, "other:later": {"x": [1, None]}, "layout:w": {"x": 1, "y": -2.5}})
    run = entry("exact", ["s"])
    book.add([(run, document)])
    assert book.document(run.id).records == document.records
    assert list(book.document(run.id).records) == list(document.records)
    assert book.get(run.id).targets == ("s",)


def test_a_run_that_an_older_version_queued_has_its_nodes_as_they_are_written_now(book: Book) -> None:
    run = entry("old")
    book.add([(run, Document({"node:flat": {"type": "flatten", "version": 1, "params": {"gray": 255}}}))])
    assert book.document(run.id).params("flat") == {"colour": "#ffffff"}


def test_the_history_lists_the_last_first_and_pages_on(book: Book) -> None:
    for run in filled(book, "a", "b", "c").values():
        book.finish(run, "done", 1.0, {})
    assert names(book.history(2)) == ["c", "b"]
    assert names(book.history(2, before=book.history(2)[-1].ended)) == ["a"]
    book.forget(book.history()[0].id)
    assert names(book.history()) == ["b", "a"]


def test_what_waits_or_runs_cannot_be_forgotten(book: Book) -> None:
    ids = filled(book, "a")
    with pytest.raises(RunUnknown, match="is queued; cancel it first"):
        book.forget(ids["a"])


def test_a_damaged_book_is_put_aside_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"no database, but perhaps somebody can read it" * 100)
    book = Book(path)
    assert book.waiting() == []
    book.close()
    (kept,) = tmp_path.glob("runs.damaged-*")
    assert kept.read_bytes().startswith(b"no database")


def test_one_process_at_a_time_holds_the_lock_and_loses_it_by_dying(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = f"from pathlib import Path; from pipelines.database import Held; held = Held(Path({str(path)!r}))"
    command = [sys.executable, "-c", f"{code}; print(held.take(), flush=True); input()"]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout
        assert other.stdout.readline() == "True\n"
        held = Held(path)
        assert not held.take()
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert held.take()
        held.release()


def test_runs_are_done_one_after_the_other_and_stand_in_the_history(shared: Queued) -> None:
    queue = shared.queue
    runs = [queue.add(text(words), words) for words in ("first", "second")]
    ended = [queue.wait(run.id, TIMEOUT) for run in runs]
    assert [run.state for run in ended] == ["done", "done"]
    assert names(queue.book.history())[:2] == ["second", "first"]
    result = ended[0].result
    assert (result["ran"], result["cached"], result["failed"]) == (2, 0, {})
    assert result["nodes"].keys() == {"w", "s"}
    assert ended[0].forecast
    assert ended[0].forecast["unknown"] == 2
    assert ended[1].forecast
    assert ended[1].forecast["unknown"] == 0
    assert ended[1].result["nodes"]["s"]["forecast"] == pytest.approx(result["nodes"]["s"]["seconds"])
    assert ended[0].seconds is not None
    (one,) = result["shown"]
    assert (one["node"], one["output"]) == ("s", "text")
    shown = shared.bench.store.get(one["digest"])
    assert getattr(shown, "text", None) == "FIRST!"


def test_the_events_of_a_run_carry_its_id_in_the_queue(shared: Queued) -> None:
    told = []
    shared.queue.subscribe(told.append)
    run = shared.queue.add(text("events"), "events")
    shared.queue.wait(run.id, TIMEOUT)
    mine = [(event.kind, event.node) for event in told if event.run == run.id]
    assert mine[0] == ("queued", None)
    assert mine[-1] == ("finished", None)
    assert {("started", "w"), ("done", "w"), ("done", "s")} <= set(mine)


def test_a_running_and_a_waiting_run_can_be_cancelled_and_the_rest_goes_on(shared: Queued) -> None:
    queue = shared.queue
    stepping = shared.bench.when(lambda event: event.kind == "step")
    running = queue.add(long(1), "running")
    waiting = queue.add(text("waiting"), "waiting")
    after = queue.add(text("after"), "after")
    assert stepping.wait(TIMEOUT)
    assert queue.progress
    assert (queue.progress.run, queue.progress.node, queue.progress.total) == (running.id, "r", 2)
    # For a page that comes late: what ended before, and what is at work.
    assert ["started", "r"] in [[event.kind, event.node] for event in queue.said(running.id)]
    assert queue.said(waiting.id) == []
    queue.cancel(waiting.id)
    queue.cancel(running.id)
    assert queue.wait(after.id, TIMEOUT).state == "done"
    assert queue.book.get(running.id).state == "cancelled"
    assert queue.book.get(waiting.id).state == "cancelled"
    assert queue.book.get(waiting.id).result == {}
    with pytest.raises(RunUnknown, match="there is no run 'x'"):
        queue.cancel("x")


def test_another_process_can_add_to_the_queue_and_stop_a_run(shared: Queued) -> None:
    stepping = shared.bench.when(lambda event: event.kind == "step")
    other = Book(shared.queue.book.path)
    run = entry("from elsewhere")
    other.add([(run, long(2))])
    assert stepping.wait(TIMEOUT)
    other.cancel(run.id)
    assert shared.queue.wait(run.id, TIMEOUT).state == "cancelled"
    other.close()


def test_a_failed_run_says_why_and_the_next_one_runs(shared: Queued) -> None:
    document = workflow({"w": ("words", {}), "bad": ("explode", {})}, "w.text -> bad.text")
    failing = shared.queue.add(document, "failing")
    after = shared.queue.add(text("after the failure"), "after")
    assert shared.queue.wait(after.id, TIMEOUT).state == "done"
    failed = shared.queue.wait(failing.id, TIMEOUT)
    assert failed.state == "failed"
    assert "ZeroDivisionError" in failed.result["failed"]["bad"]


def test_a_target_that_is_not_there_is_refused_before_it_is_queued(shared: Queued) -> None:
    with pytest.raises(ValueError, match="there is no node 'x' to run; there are: w, s"):
        shared.queue.add(text("refused"), "refused", ["x"])
    assert "refused" not in names(shared.queue.book.waiting())


def test_closing_queues_the_running_run_again_before_all_others(tmp_path: Path) -> None:
    before = Queued(tmp_path)
    stepping = before.bench.when(lambda event: event.kind == "step")
    before.queue.start()
    before.queue.add(long(3), "running")
    before.queue.add(text("waiting"), "waiting")
    assert stepping.wait(TIMEOUT)
    before.close()
    book = Book(tmp_path / "runs-1.db")
    assert names(book.waiting()) == ["running", "waiting"]
    assert not book.history()
    book.close()


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_queue import Queued, long, text, workflow
queued = Queued(Path(sys.argv[1]))
nodes = {"w": ("words", {"text": "once"}), "s": ("shout", {}), "n": ("noise", {}), "r": ("refine", {"steps": 10**9})}
queued.queue.add(workflow(nodes, "w.text -> s.text", "n.latent -> r.latent"), "running")
queued.queue.add(text("waiting"), "waiting")
stepping = queued.bench.when(lambda event: event.kind == "step")
queued.queue.start()
stepping.wait()
print("stepping", flush=True)
input()
"""


def test_after_the_process_is_killed_the_queue_goes_on_and_no_finished_node_runs_again(tmp_path: Path) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(here), str(here.parent.parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "stepping\n"
        finally:
            process.kill()
    after = Queued(tmp_path)
    stepping = after.bench.when(lambda event: event.kind == "step")
    after.queue.start()
    assert stepping.wait(TIMEOUT)
    assert after.queue.progress
    run = after.queue.progress.run
    assert after.book.get(run).workflow == "running"
    (waiting,) = after.book.waiting()
    assert waiting.workflow == "waiting"
    after.queue.cancel(run)
    ended = after.queue.wait(run, TIMEOUT)
    assert (ended.result["cached"], ended.result["ran"]) == (3, 0)
    assert after.queue.wait(waiting.id, TIMEOUT).state == "done"
    after.close()


def test_a_batch_of_seeds_is_a_sweep_with_a_sheet_and_a_single_run_is_none(book: Book) -> None:
    (alone,) = book.add_batch("w", [("", text("a"))])
    assert alone.sweep is None
    batch = book.add_batch("w", [(f"seed {seed}", text("a")) for seed in range(3)], first=True)
    assert book.cells(str(batch[0].sweep)) == batch
    assert book.sweep(str(batch[0].sweep))[1] == [
        {"node": "", "widget": "seed", "labels": ["seed 0", "seed 1", "seed 2"]}
    ]
    assert [run.label for run in book.waiting()] == ["seed 0", "seed 1", "seed 2", ""]
