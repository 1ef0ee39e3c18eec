"""`kill -9` of the worker or of the server at twenty random points (`python -m benchmarks.crash` does more)."""

from pathlib import Path

import pytest

from benchmarks.crash.once import crash, plan


@pytest.mark.parametrize("seed", range(20))
def test_a_run_that_is_killed_ends_right_and_runs_nothing_twice(tmp_path: Path, seed: int) -> None:
    assert crash(tmp_path, seed) == []


def test_workers_and_servers_are_killed_early_and_late() -> None:
    crashes = [plan(seed) for seed in range(20)]
    assert {crash.victim for crash in crashes} == {"worker", "server"}
    assert min(crash.moment for crash in crashes) < 10 < 40 < max(crash.moment for crash in crashes)
