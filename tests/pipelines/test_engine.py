"""The engine on small real nodes: what is computed, what is not, and what happens when something goes wrong."""

import time
from pathlib import Path

import pytest
from engine_bench import TIMEOUT, Bench, spoil, workflow

from assets.values import Latent, Text
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, loads

NODES = {
    "prompt": ("words", {"text": "a red ball"}),
    "encode": ("shout", {}),
    "canvas": ("noise", {"side": 8}),
    "sample": ("refine", {"steps": 3}),
    "paint": ("paint", {}),
    "save": ("save_text", {"name": "engine.txt"}),
}
WIRES = ("prompt.text -> encode.text", "canvas.latent -> sample.latent", "sample.latent -> paint.latent")
WIRES = (*WIRES, "encode.text -> save.text")


def changed(document: Document, node: str, **params: object) -> Document:
    record = document.nodes[node]
    new = {**record, "params": {**record["params"], **params}}
    return apply(document, RecordsDiff(updated={f"node:{node}": (record, new)}))


def test_only_what_a_change_reaches_runs_again(bench: Bench) -> None:
    document = workflow(NODES, *WIRES)
    assert set(bench.run(document).ran) == set(NODES)
    assert bench.run(document).ran == ()
    assert set(bench.run(changed(document, "canvas", seed=7)).ran) == {"canvas", "sample", "paint"}
    assert set(bench.run(changed(document, "sample", steps=4)).ran) == {"sample", "paint"}
    assert bench.run(changed(document, "save", name="other.txt")).ran == ("save",)
    assert (bench.files.outputs / "other.txt").read_text() == "A RED BALL!"


def test_going_back_to_an_earlier_setting_runs_nothing(bench: Bench) -> None:
    document = workflow({"n": ("noise", {"seed": 100}), "r": ("refine", {})}, "n.latent -> r.latent")
    bench.run(document)
    bench.run(changed(document, "n", seed=101))
    assert bench.run(document).ran == ()


def test_moving_and_renaming_nodes_runs_nothing(bench: Bench) -> None:
    bench.run(workflow({"n": ("noise", {"seed": 110}), "r": ("refine", {})}, "n.latent -> r.latent"))
    renamed = workflow({"r": ("noise", {"seed": 110}), "x": ("refine", {"steps": 3})}, "r.latent -> x.latent")
    moved = apply(renamed, RecordsDiff(added={"layout:x": {"x": 5, "y": 9}, "meta:title": "other"}))
    assert bench.run(moved).ran == ()


def test_equal_content_cuts_off_what_follows_a_change(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "cut off"}), "s": ("shout", {}), "t": ("shout", {"times": 2})}
    document = workflow(nodes, "w.text -> s.text", "s.text -> t.text")
    bench.run(document)
    assert bench.run(changed(document, "w", text="CUT off")).ran == ("w", "s")


def test_a_second_executor_on_the_same_folder_runs_nothing_again(tmp_path: Path) -> None:
    document = workflow(NODES, *WIRES)
    before = Bench(tmp_path)
    assert set(before.run(document).ran) == set(NODES)
    before.close()
    after = Bench(tmp_path)
    summary = after.run(document)
    after.close()
    assert summary.ran == ()
    assert set(summary.cached) == set(NODES)


def test_nodes_with_the_same_key_compute_once_in_a_run(bench: Bench) -> None:
    summary = bench.run(workflow({"a": ("noise", {"seed": 120}), "b": ("noise", {"seed": 120.0})}))
    assert (len(summary.ran), len(summary.cached)) == (1, 1)
    assert summary.outputs["a"] == summary.outputs["b"]


def test_only_what_the_targets_need_runs(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "targets"}), "s": ("shout", {}), "n": ("noise", {"seed": 130})}
    document = workflow(nodes, "w.text -> s.text")
    assert bench.run(document, {"s"}).ran == ("w", "s")
    assert bench.run(document).ran == ("n",)
    with pytest.raises(ValueError, match="there is no node 'x' to run; the workflow has: w, s, n"):
        bench.executor.submit(document, {"x"})


def test_a_failing_node_fails_what_depends_on_it_and_nothing_else(bench: Bench) -> None:
    nodes = {
        "w": ("words", {"text": "failing"}),
        "bad": ("explode", {}),
        "after": ("shout", {}),
        "beside": ("shout", {"times": 2}),
        "wrong": ("noise", {"side": 99}),
        "below": ("refine", {}),
    }
    wires = ("w.text -> bad.text", "bad.text -> after.text", "w.text -> beside.text", "wrong.latent -> below.latent")
    summary = bench.run(workflow(nodes, *wires))
    assert set(summary.ran) == {"w", "beside"}
    assert set(summary.skipped) == {"after", "below"}
    assert "ZeroDivisionError: integer division" in summary.failed["bad"]
    assert summary.failed["wrong"] == "side is 99; it needs 2 to 64"
    (failure,) = (event for event in bench.events if event.kind == "failed" and event.node == "bad")
    assert "small_nodes.py" in (failure.traceback or "")
    while "small_nodes.py" not in bench.executor.worker_log:  # which comes by a pipe of its own
        time.sleep(0.01)


def test_a_failure_is_never_cached(bench: Bench) -> None:
    document = workflow({"w": ("words", {"text": "never"}), "bad": ("explode", {})}, "w.text -> bad.text")
    for _ in range(2):
        assert "bad" in bench.run(document).failed
        assert bench.kinds("bad") == ["started", "failed"]
        bench.events.clear()


def test_a_loop_fails_its_nodes_and_the_rest_runs(bench: Bench) -> None:
    nodes = {"a": ("shout", {}), "b": ("shout", {}), "c": ("shout", {}), "n": ("noise", {"seed": 140})}
    summary = bench.run(workflow(nodes, "a.text -> b.text", "b.text -> a.text", "b.text -> c.text"))
    assert set(summary.failed) == {"a", "b"}
    assert summary.skipped == ("c",)
    assert summary.ran == ("n",)


def test_every_node_ends_once_and_the_run_last(bench: Bench) -> None:
    nodes = {"n": ("noise", {"seed": 150}), "r": ("refine", {"steps": 2})}
    bench.run(workflow(nodes, "n.latent -> r.latent"))
    assert bench.kinds("n") == ["started", "done"]
    assert [kind for kind in bench.kinds("r") if kind != "preview"] == ["started", "step", "step", "done"]
    run = [event.kind for event in bench.events if event.node is None]
    assert run == ["queued", "finished"]
    assert bench.events[-1].kind == "finished"
    done = next(event for event in bench.events if event.kind == "done" and event.node == "r")
    assert done.specs == {"latent": "latent 1x1x4x4 (test)"}
    assert done.outputs
    assert isinstance(bench.store.get(done.outputs["latent"]), Latent)
    steps = [(event.step, event.total) for event in bench.events if event.kind == "step"]
    assert steps == [(1, 2), (2, 2)]
    finished = bench.events[-1].to_json()
    assert finished["ran"] == 2
    assert finished["cached"] == finished["failed"] == finished["skipped"] == finished["cancelled"] == 0


def test_a_wired_widget_gets_what_the_run_made(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "sixsix"}), "c": ("count_letters", {}), "n": ("noise", {"seed": 160})}
    document = workflow(nodes, "w.text -> c.text", "c.scalar -> n.side")
    outputs = bench.run(document).outputs
    latent = bench.store.get(outputs["n"]["latent"])
    assert isinstance(latent, Latent)
    assert latent.data.shape == (1, 1, 6, 6)
    summary = bench.run(changed(document, "w", text="seven!!"))
    assert summary.failed == {"n": "side is 7; it goes from 2 in steps of 2; try 6 or 8"}


def test_a_value_that_comes_by_wire_makes_what_it_makes_when_it_is_set_by_hand(bench: Bench) -> None:
    """So a setting that is made a port, and fed what it was set to, computes nothing anew."""
    nodes = {"f": ("figure", {"value": 6.0}), "n": ("noise", {"seed": 161, "side": 6})}
    by_hand = bench.run(workflow(nodes))
    wired = bench.run(workflow(nodes, "f.scalar -> n.side"))
    assert set(by_hand.ran) == {"f", "n"}
    assert not wired.ran
    assert wired.outputs == by_hand.outputs
    assert set(bench.run(workflow({**nodes, "f": ("figure", {"value": 8.0})}, "f.scalar -> n.side")).ran) == {"f", "n"}


def test_what_only_the_run_can_refuse_is_refused_by_the_same_sentence(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "6chars"}), "c": ("count_letters", {}), "n": ("noise", {}), "h": ("halve", {})}
    summary = bench.run(workflow(nodes, "w.text -> c.text", "c.scalar -> n.side", "n.latent -> h.latent"))
    assert summary.failed == {"h": "Got a latent 6 rows high; it needs a multiple of 4. Try 8."}


def test_a_saved_file_that_is_gone_or_changed_is_written_again(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "saved"}), "s": ("save_text", {"name": "saved.txt"})}
    document = workflow(nodes, "w.text -> s.text")
    bench.run(document)
    file = bench.files.outputs / "saved.txt"
    file.unlink()
    assert bench.run(document).ran == ("s",)
    file.write_text("changed by hand")
    assert bench.run(document).ran == ("s",)
    assert file.read_text() == "saved"
    assert bench.run(document).ran == ()


def test_a_node_that_asks_for_the_workflow_gets_it_whole_and_does_not_run_again_for_it(bench: Bench) -> None:
    made = workflow({"w": ("words", {}), "s": ("save_workflow", {})}, "w.text -> s.text")
    assert bench.run(made).failed == {}
    assert loads((bench.files.outputs / "a.json").read_text()) == made
    moved = Document({**made.records, "layout:w": {"x": 1.0, "y": 2.0}})
    assert bench.run(moved).ran == ()


def test_a_file_that_changed_is_read_again(bench: Bench) -> None:
    file = bench.files.inputs[0] / "in.txt"
    file.write_text("one")
    document = workflow({"l": ("load_text", {"file": "in.txt"}), "s": ("shout", {})}, "l.text -> s.text")
    bench.run(document)
    assert bench.run(document).ran == ()
    file.write_text("two")
    assert bench.run(document).ran == ("l", "s")
    file.unlink()
    assert "there is no file 'in.txt'" in bench.run(document).failed["l"]


def test_weights_that_moved_are_found_again(bench: Bench) -> None:
    folder = bench.files.inputs[0]
    (folder / "a.bin").write_bytes(b"weights")
    bench.run(workflow({"m": ("weights", {"file": "a.bin"})}))
    (folder / "a.bin").rename(folder / "b.bin")
    moved = workflow({"m": ("weights", {"file": "b.bin"})})
    outputs = bench.run(moved).outputs["m"]
    (folder / "b.bin").rename(folder / "a.bin")
    summary = bench.run(workflow({"m": ("weights", {"file": "a.bin"})}))
    assert summary.ran == ("m",)
    assert summary.outputs["m"] == outputs


def test_a_damaged_result_is_made_again_and_nothing_is_lost(tmp_path: Path) -> None:
    nodes = {"n": ("noise", {}), "r": ("refine", {}), "p": ("paint", {})}
    document = workflow(nodes, "n.latent -> r.latent", "r.latent -> p.latent")
    before = Bench(tmp_path)
    outputs = before.run(document).outputs
    for node in ("n", "r"):
        spoil(before.store, outputs[node]["latent"])
    before.close()
    after = Bench(tmp_path)
    summary = after.run(changed(document, "p", colour="blue"))
    after.close()
    assert set(summary.ran) == {"n", "r", "p"}
    assert summary.outputs["r"] == outputs["r"]


def test_cancelling_takes_effect_within_a_step_and_keeps_what_is_finished(bench: Bench) -> None:
    nodes = {"n": ("noise", {"seed": 170}), "r": ("refine", {"steps": 10**9}), "p": ("paint", {})}
    document = workflow(nodes, "n.latent -> r.latent", "r.latent -> p.latent")
    stepping = bench.when(lambda event: event.kind == "step")
    run = bench.executor.submit(document)
    assert stepping.wait(TIMEOUT)
    bench.executor.cancel(run)
    summary = bench.executor.wait(run, TIMEOUT)
    assert summary.ran == ("n",)
    assert summary.cancelled == ("r", "p")
    assert bench.kinds("r")[-1] == "cancelled"
    assert bench.run(changed(document, "r", steps=1)).cached == ("n",)


def test_a_run_that_waits_can_be_cancelled_and_the_others_go_on(bench: Bench) -> None:
    endless = workflow({"n": ("noise", {"seed": 180}), "r": ("refine", {"steps": 10**9})}, "n.latent -> r.latent")
    stepping = bench.when(lambda event: event.kind == "step")
    first, second, third = (
        bench.executor.submit(document) for document in (endless, endless, workflow({"n": ("noise", {"seed": 181})}))
    )
    assert stepping.wait(TIMEOUT)
    bench.executor.cancel(second)
    bench.executor.cancel(first)
    assert bench.executor.wait(second, TIMEOUT).cancelled == ("n", "r")
    assert bench.executor.wait(third, TIMEOUT).ran == ("n",)


def test_a_listener_that_fails_stops_nobody_else(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: object) -> None:
        raise RuntimeError("a listener's own fault")

    unsubscribe = bench.executor.subscribe(fail)
    assert bench.run(workflow({"n": ("noise", {"seed": 190})})).ran == ("n",)
    unsubscribe()
    assert "a listener failed at finished" in caplog.text


def test_a_run_that_nobody_knows_is_said(bench: Bench) -> None:
    bench.executor.cancel("nobody")
    with pytest.raises(ValueError, match="there is no run 'nobody'"):
        bench.executor.wait("nobody")


def test_a_node_that_runs_out_of_memory_is_tried_once_more_with_room_made(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "once"}), "g": ("gulp", {})}
    summary = bench.run(workflow(nodes, "w.text -> g.text"))
    assert bench.store.get(summary.outputs["g"]["text"]) == Text("once 2")
    assert {made.device for made in bench.store.entries() if made.node_type == "gulp"} == {"cpu, short of memory"}


def test_what_no_memory_is_enough_for_fails_with_what_was_asked_and_what_there_is(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "huge"}), "g": ("gulp", {"times": 9}), "n": ("noise", {"seed": 191})}
    summary = bench.run(workflow(nodes, "w.text -> g.text"))
    assert "1125899906842624 bytes was asked for on cpu, which has" in summary.failed["g"]
    assert "are free now; try a smaller size" in summary.failed["g"]
    assert "n" in summary.ran
    again = bench.run(workflow({**nodes, "g": ("gulp", {"times": 2})}, "w.text -> g.text"))
    assert bench.store.get(again.outputs["g"]["text"]) == Text("huge 3")


def test_branches_that_do_not_need_each_other_are_computed_side_by_side(bench: Bench) -> None:
    nodes = {"a": ("meet", {"text": "here"}), "b": ("meet", {"text": "there"})}
    assert set(bench.run(workflow(nodes)).ran) == {"a", "b"}
