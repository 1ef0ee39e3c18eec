"""A node that was interrupted goes on from the last step that it kept; one that is done or failed leaves nothing."""

from typing import Any

from engine_bench import Bench, workflow

from assets.values import Text


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
