"""`kill -9` of the worker or of the server at twenty random points (`python -m benchmarks.crash` does more)."""

from pathlib import Path

import pytest

from benchmarks.crash.once import Crash, crash, faults, plan, serve


@pytest.mark.parametrize("seed", range(20))
def test_a_run_that_is_killed_ends_right_and_runs_nothing_twice(tmp_path: Path, seed: int) -> None:
    assert crash(tmp_path, seed) == []


def test_workers_and_servers_are_killed_early_and_late() -> None:
    crashes = [plan(seed) for seed in range(20)]
    assert {crash.victim for crash in crashes} == {"worker", "server"}
    assert min(crash.moment for crash in crashes) < 10 < 40 < max(crash.moment for crash in crashes)


def test_a_server_is_killed_in_the_midst_of_its_words_and_not_when_a_reader_comes_to_them(tmp_path: Path) -> None:
    said = serve(tmp_path, 0, Crash(9, "server"))
    assert len(said) == 10
    assert "finished" not in [line["kind"] for line in said]


def test_a_worker_is_killed_while_there_is_still_one(tmp_path: Path) -> None:
    last = len(serve(tmp_path / "whole", 0)) - 2  # "finished", before the summary
    said = serve(tmp_path / "killed", 0, Crash(last, "worker"))
    assert list(faults(tmp_path / "killed", said, {})) == []


def test_a_death_that_is_heard_after_the_end_does_not_hide_it(tmp_path: Path) -> None:
    said = [{"kind": "summary", "failed": {}, "outputs": {}}, {"kind": "worker_died", "node": None}]
    assert list(faults(tmp_path, said, {})) == []
