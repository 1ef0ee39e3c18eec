"""A node that was interrupted goes on from the last step that it kept; one that is done or failed leaves nothing."""

from pathlib import Path
from typing import Any

import numpy as np
from engine_bench import Bench, workflow

from assets.store import Partial
from assets.values import Latent, Text
from pipelines.executors.models import Models
from pipelines.executors.run_context import RunContext


def climbing(name: str, end: str) -> Any:
    return workflow({"w": ("words", {"text": name}), "c": ("climb", {"end": end})}, "w.text -> c.text")


def result(bench: Bench, document: Any) -> Text:
    summary = bench.run(document)
    assert summary.failed == {}
    value = bench.store.get(summary.outputs["c"]["text"])
    assert isinstance(value, Text)
    return value


def kept_files(bench: Bench) -> list[str]:
    folder = bench.store.folder / "partial"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_killed_at_step_37_of_50_it_takes_the_13_that_are_left(bench: Bench) -> None:
    assert result(bench, climbing("killed", "kill")) == Text("1225 from step 37")
    assert kept_files(bench) == []


def test_cancelled_at_step_37_the_next_run_takes_the_13_that_are_left(bench: Bench) -> None:
    document = climbing("cancelled", "cancel")
    assert bench.run(document).cancelled == ("c",)
    assert len(kept_files(bench)) == 1
    assert result(bench, document) == Text("1225 from step 37")
    assert kept_files(bench) == []


def test_what_failed_begins_anew(bench: Bench) -> None:
    document = climbing("failed", "fail")
    assert bench.run(document).failed == {"c": "it slipped"}
    assert kept_files(bench) == []
    assert result(bench, document) == Text("1225 from step 0")


def gone(bench: Bench, far: int, seed: int) -> tuple[list[float], int | None, int | None]:
    """Go so far: what came out, and how many steps of how many were there already."""
    bench.events.clear()
    summary = bench.run(workflow({"q": ("squares", {"far": far, "seed": seed})}))
    assert summary.ran == ("q",)
    value = bench.store.get(summary.outputs["q"]["latent"])
    assert isinstance(value, Latent)
    (done,) = [event for event in bench.events if event.kind == "done"]
    return np.asarray(value.data).ravel().tolist(), done.reused, done.total


def test_a_node_that_is_to_go_farther_takes_only_the_steps_that_no_result_has_yet(bench: Bench) -> None:
    whole = [float(number**2) for number in range(1, 10)]
    assert gone(bench, 3, seed=0) == (whole[:3], None, None)
    assert gone(bench, 7, seed=0) == (whole[:7], 3, 7)
    assert gone(bench, 0, seed=0) == (whole, 7, 9)
    assert kept_files(bench) == []


def test_a_node_that_is_to_go_less_far_takes_no_step_at_all(bench: Bench) -> None:
    whole, _, _ = gone(bench, 0, seed=10)
    assert gone(bench, 4, seed=10) == (whole[:4], 4, 4)


def test_a_result_of_other_settings_is_not_gone_on_from(bench: Bench) -> None:
    gone(bench, 5, seed=20)
    assert gone(bench, 6, seed=21)[1] is None


def test_where_the_result_that_went_farthest_is_gone_another_serves(bench: Bench) -> None:
    gone(bench, 2, seed=30)
    gone(bench, 5, seed=30)
    newest = bench.store.entries()[0]
    bench.store.forget(newest.key)
    assert gone(bench, 6, seed=30)[1:] == (2, 6)


def test_steps_of_another_result_are_kept_before_the_first_that_is_new(tmp_path: Path) -> None:
    first, second, third = ({"row": np.full(2, number)} for number in range(3))
    partial = Partial(tmp_path / "steps")
    context = RunContext("cpu", Models("cpu"), partial, lambda: False, print, earlier=lambda: [first, second])
    assert len(context.kept()) == 2
    assert partial.all() == []
    context.keep(third)
    assert [int(one["row"][0]) for one in partial.all()] == [0, 1, 2]
