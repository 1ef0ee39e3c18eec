"""What the forecast of a run found out, the run need not find out again."""

from pathlib import Path
from typing import Any

import pytest
from engine_bench import TIMEOUT, Bench, changed, spoil, workflow

from pipelines.document import Document
from pipelines.executors import run as runs
from pipelines.executors.part import Part
from pipelines.executors.task import Surroundings, Task, task_of
from pipelines.keys import numerics_class
from pipelines.recall import recalled


def refined(steps: int = 4) -> Document:
    nodes: dict[str, tuple[str, dict[str, Any]]] = {"n": ("noise", {"seed": 5}), "r": ("refine", {"steps": 3}),
                                                    "again": ("refine", {"steps": steps})}  # fmt: skip
    return workflow(nodes, "n.latent -> r.latent", "r.latent -> again.latent")


def found(bench: Bench, document: Document) -> Part:
    return recalled(document, Surroundings(bench.executor._around.library, bench.store, bench.files, numerics_class))


def test_what_was_found_a_moment_ago_is_taken_without_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    try:
        first = bench.run(refined())
        before = found(bench, refined())
        looked: list[str] = []

        def looking(node: str, *rest: Any) -> Task:
            looked.append(node)
            return task_of(node, *rest)

        monkeypatch.setattr(runs, "task_of", looking)
        again = bench.executor.wait(bench.executor.submit(refined(), found=before), TIMEOUT)
        assert set(again.cached) == {"n", "r", "again"}
        assert again.outputs == first.outputs
        assert looked == []
        other = changed(refined(), "again", steps=5)
        before = found(bench, other)
        looked.clear()
        after = bench.executor.wait(bench.executor.submit(other, found=before), TIMEOUT)
        assert after.ran == ("again",)
        assert looked == ["again"], "what was not found is looked up, and computed"
    finally:
        bench.close()


def test_what_was_found_and_is_damaged_since_is_made_again(tmp_path: Path) -> None:
    before = Bench(tmp_path)
    outputs = before.run(refined(), {"r"}).outputs
    before.close()
    bench = Bench(tmp_path)  # whose worker has nothing in memory
    try:
        known = found(bench, refined())
        for node in ("n", "r"):
            spoil(bench.store, outputs[node]["latent"])
        made = bench.executor.wait(bench.executor.submit(refined(), found=known), TIMEOUT)
        assert made.failed == {}
        assert {"r", "again"} <= set(made.ran)
        assert made.outputs["r"] == outputs["r"]
    finally:
        bench.close()


def test_what_depends_on_something_that_came_out_otherwise_is_not_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    try:
        bench.run(refined())
        part = Part("p", refined(), None, bench.executor._around.library, found(bench, refined()))
        part.outputs["n"] = part.found.outputs["n"] if part.found else {}
        assert part.known("r")
        part.outputs["n"] = {"latent": "another"}
        assert part.known("r") is None
        assert part.known("n")
    finally:
        bench.close()
