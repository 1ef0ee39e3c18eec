"""Seeds that change by themselves: by what ran, whoever asks, and after a restart."""

from pathlib import Path
from typing import Any

import pytest

from app.editor.past import Past
from app.editor.seeds import next_seeds, with_seeds
from nodes.registry import library
from pipelines.diff import apply
from pipelines.document import Document

LIBRARY = library()


def seeded(habit: Any, seed: int = 7, **more: Any) -> Document:
    layout = {"x": 0, "y": 0, "seeds": {"seed": habit}}
    node = {"type": "prompt_template", "version": 1, "params": {"seed": seed}}
    return Document({"node:a": node, "layout:a": layout, **more})


def test_a_seed_counts_on_from_the_last_run_after_a_restart_and_from_what_was_typed_since(tmp_path: Path) -> None:
    past, document, ran = Past(tmp_path), seeded("up"), []
    for count in (1, 1, 3, 1):
        turned = next_seeds(document, LIBRARY, None, past.seeds.of("w"))
        document = apply(document, with_seeds(document, turned))
        past.seeds.ran("w", turned, count)
        past.close()
        past = Past(tmp_path)
        ran.append(document.nodes["a"]["params"]["seed"])
    assert ran == [7, 8, 9, 12]
    assert next_seeds(seeded("up", 40), LIBRARY, None, past.seeds.of("w")) == {("a", "seed"): 40}
    past.forget("w")  # another workflow takes the name
    assert next_seeds(document, LIBRARY, None, past.seeds.of("w")) == {("a", "seed"): 12}
    past.close()


def test_a_seed_that_is_drawn_anew_is_another_one_once_it_has_run() -> None:
    assert next_seeds(seeded("new"), LIBRARY, None, {}) == {("a", "seed"): 7}
    drawn = {next_seeds(seeded("new"), LIBRARY, None, {("a", "seed"): (7, 1)})["a", "seed"] for _ in range(8)}
    assert len(drawn) > 1


@pytest.mark.parametrize("habit", ["keep", None, 7, ["up"], "x" * 50])
def test_a_seed_of_no_such_habit_stays(habit: Any) -> None:
    assert next_seeds(seeded(habit), LIBRARY, None, {("a", "seed"): (7, 1)}) == {}


def test_a_seed_that_is_wired_or_that_the_run_does_not_need_stays() -> None:
    ran = {("a", "seed"): (7, 1)}
    other = {"type": "seed", "version": 1, "params": {}}
    wire = {"from": ["b", "scalar"], "to": ["a", "seed"]}
    assert next_seeds(seeded("up", **{"node:b": other, "wire:a.seed": wire}), LIBRARY, None, ran) == {}
    both = seeded("up", **{"node:b": other})
    assert next_seeds(both, LIBRARY, ["b"], ran) == {}
    assert next_seeds(both, LIBRARY, ["a"], ran) == {("a", "seed"): 8}
