"""A worker may die at any time: the server lives, the run says why it ended, the next run works."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from engine_bench import TIMEOUT, Bench, workflow

from assets.files import Files
from assets.store import Store
from assets.values import Text
from pipelines.executors.local import LocalExecutor

HERE = Path(__file__).parent


def test_kill_9_during_sampling_repeats_only_the_node_that_was_at_work(bench: Bench) -> None:
    nodes = {
        "n": ("noise", {"seed": 1}),
        "r": ("refine", {"steps": 10**9}),
        "p": ("paint", {}),
        "w": ("words", {"text": "killed"}),
        "late": ("shout", {}),
    }
    stepping = bench.when(lambda event: event.kind == "step")
    run = bench.executor.submit(workflow(nodes, "n.latent -> r.latent", "r.latent -> p.latent", "w.text -> late.text"))
    assert stepping.wait(TIMEOUT)
    killed = bench.executor.worker_pid
    again = bench.when(lambda event: event.kind == "started" and event.node == "r")
    os.kill(killed, signal.SIGKILL)
    assert again.wait(TIMEOUT)
    assert bench.executor.worker_pid != killed
    bench.executor.cancel(run)
    summary = bench.executor.wait(run, TIMEOUT)
    assert (set(summary.ran), summary.cancelled, summary.failed) == ({"n", "w", "late"}, ("r", "p"), {})
    assert bench.kinds("n") == ["started", "done"]
    (death,) = (event for event in bench.events if event.kind == "worker_died")
    assert death.run == run
    assert "the worker process was killed (SIGKILL)" in (death.error or "")


def test_a_run_goes_on_with_the_next_worker(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "twice"}), "d": ("die_at_first", {"times": 2}), "s": ("shout", {})}
    summary = bench.run(workflow(nodes, "w.text -> d.text", "d.text -> s.text"))
    # What was made, but not yet said to be stored, when a worker died is found in the store or made again.
    assert ({*summary.ran, *summary.cached}, summary.failed) == ({"w", "d", "s"}, {})
    assert summary.ran[-2:] == ("d", "s")
    assert bench.kinds("d") == ["started"] * 3 + ["done"]
    assert bench.store.get(summary.outputs["s"]["text"]) == Text("TWICE!")


def test_a_node_that_ends_every_worker_fails_and_the_rest_goes_on(bench: Bench) -> None:
    nodes = {"w": ("words", {"text": "dies"}), "d": ("die", {}), "after": ("shout", {}), "n": ("noise", {"seed": 2})}
    summary = bench.run(workflow(nodes, "w.text -> d.text", "d.text -> after.text"))
    # What was made, but not yet said to be stored, when a worker died is found in the store or made again.
    assert ({*summary.ran, *summary.cached}, summary.skipped) == ({"w", "n"}, ("after",))
    assert "perhaps for lack of memory" in summary.failed["d"]
    assert "(this happened 3 times in this node)" in summary.failed["d"]
    assert bench.kinds("w")[-1] in ("done", "cached")
    assert "done" not in bench.kinds("w")[:-1]  # what is said to be done is not made again


def test_a_worker_that_dies_while_idle_is_replaced(bench: Bench) -> None:
    bench.run(workflow({"n": ("noise", {"seed": 3})}))
    died = bench.when(lambda event: event.kind == "worker_died" and event.run is None)
    os.kill(bench.executor.worker_pid, signal.SIGKILL)
    assert died.wait(TIMEOUT)
    assert bench.run(workflow({"n": ("noise", {"seed": 4})})).ran == ("n",)


def test_ctrl_c_on_the_terminal_is_the_servers_to_answer(bench: Bench) -> None:
    assert bench.run(workflow({"n": ("noise", {"seed": 5})})).ran == ("n",)
    pid = bench.executor.worker_pid
    os.kill(pid, signal.SIGINT)
    assert bench.run(workflow({"n": ("noise", {"seed": 6})})).ran == ("n",)
    assert bench.executor.worker_pid == pid


def test_a_folder_that_holds_a_random_py_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('this is an artist's own script')")
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    assert bench.run(workflow({"n": ("noise", {})})).ran == ("n",)
    bench.close()


def test_a_worker_that_cannot_start_is_said_and_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nodes_without_driver.py").write_text(
        "import sys\nfrom small_nodes import library\n"
        "if sys.argv[0].endswith('worker.py'): raise ImportError('the driver is missing')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "outputs").mkdir()
    store = Store(tmp_path / "store")
    executor = LocalExecutor(store, Files((), tmp_path / "outputs"), nodes="nodes_without_driver")
    for _ in range(2):
        summary = executor.wait(executor.submit(workflow({"n": ("noise", {})})), TIMEOUT)
        assert "ended with exit status 1 (ImportError: the driver is missing)" in summary.failed["n"]
    executor.close()
    store.close()


def test_no_worker_is_left_behind_when_the_server_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from engine_bench import Bench, workflow\n"
        "bench = Bench(Path(sys.argv[1]))\n"
        "bench.run(workflow({'n': ('noise', {})}))\n"
        "print(bench.executor.worker_pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent.parent)])}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as server:
        assert server.stdout
        worker = os.pidfd_open(int(server.stdout.readline()))
        server.kill()

        ended, _, _ = select.select([worker], [], [], TIMEOUT)
        os.close(worker)
    assert ended


def test_closing_in_the_middle_of_a_node_leaves_nothing_running(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    stepping = bench.when(lambda event: event.kind == "step")
    endless = workflow({"n": ("noise", {}), "r": ("refine", {"steps": 10**9})}, "n.latent -> r.latent")
    run = bench.executor.submit(endless)
    assert stepping.wait(TIMEOUT)
    pid = bench.executor.worker_pid
    bench.close()
    assert bench.executor.wait(run, TIMEOUT).ran == ("n",)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
