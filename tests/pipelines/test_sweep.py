"""Grids over widgets, and batches of seeds."""

from dataclasses import replace
from pathlib import Path

import pytest
import small_nodes
from engine_bench import workflow

from assets.files import Files
from pipelines.sweep import SweepError, axis, batch_axes, grid, seeds

LIBRARY = small_nodes.library()
DOCUMENT = workflow(
    {"w": ("words", {}), "s": ("shout", {}), "n": ("noise", {"seed": 5}), "v": ("figure", {}), "r": ("refine", {})},
    "w.text -> s.text",
    "n.latent -> r.latent",
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("n.seed=1,2,3", (1, 2, 3)),
        ("noise.side=4..8", (4, 6, 8)),
        ("s.times=1..5:2", (1, 3, 5)),
        ("s.times=5..1:-2", (5, 3, 1)),
        ("s.times=3..1", (3, 2, 1)),
        ("v.value=0..1:0.25", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("v.value=0..0.3:0.1", (0.0, 0.1, 0.2, 0.3)),
        ("v.value=1,1.0,2", (1.0, 2.0)),
        ('w.text="a ball, red", a star', ("a ball, red", "a star")),
        ("w.text=1..3", ("1..3",)),
    ],
)
def test_an_axis_goes_through_lists_and_ranges(text: str, values: tuple[object, ...]) -> None:
    assert axis(text, DOCUMENT, LIBRARY).values == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed=1,2", "is no axis; it needs node.widget=values"),
        ("x.seed=1", "there is no node 'x'; the workflow has: w, s, n, v, r"),
        ("n.colour=1", "n has no widget 'colour'; it has: side, seed"),
        ("s.times=1..9", "times is 6; it needs 1 to 5"),
        ("s.times=1..5:-1", "never comes from 1 to 5"),
        ("v.value=0..1:0", "never comes from 0 to 1"),
        ("v.value=0..1e9:0.001", "is no|holds|values; at most"),
        ("v.value=0..1000:0.001", "1000001 values; at most 1000"),
        ("n.seed=", "names no value"),
    ],
)
def test_an_axis_that_cannot_be_is_refused_with_what_to_try(text: str, sentence: str) -> None:
    with pytest.raises(SweepError, match=sentence):
        axis(text, DOCUMENT, LIBRARY)


def test_a_grid_has_every_combination_and_leaves_the_document_as_it_was() -> None:
    axes = [axis(text, DOCUMENT, LIBRARY) for text in ("n.seed=1,2", "r.steps=3,4,5")]
    cells = grid(DOCUMENT, axes, LIBRARY)
    found = [(cell.document.params("n")["seed"], cell.document.params("r")["steps"]) for cell in cells]
    assert found == [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]
    assert cells[4].at == (1, 1)
    assert cells[4].label == "seed 2, steps 4"
    assert DOCUMENT.params("n") == {"seed": 5}


def test_a_grid_that_is_too_large_or_goes_through_a_widget_twice_is_refused() -> None:
    seed = axis("n.seed=1..100", DOCUMENT, LIBRARY)
    with pytest.raises(SweepError, match="10000 runs; it needs 1 to 1000"):
        grid(DOCUMENT, [seed, axis("v.value=1..100", DOCUMENT, LIBRARY)], LIBRARY)
    with pytest.raises(SweepError, match="same widget"):
        grid(DOCUMENT, [axis("n.seed=1,2", DOCUMENT, LIBRARY), axis("n.seed=3", DOCUMENT, LIBRARY)], LIBRARY)


def test_a_batch_of_seeds_begins_with_the_document_as_it_is() -> None:
    batch = seeds(DOCUMENT, LIBRARY, 3)
    assert [label for label, _ in batch] == ["seed 5", "seed 6", "seed 7"]
    assert [document.params("n")["seed"] for _, document in batch] == [5, 6, 7]
    assert seeds(DOCUMENT, LIBRARY, 1) == [("", DOCUMENT)]
    with pytest.raises(SweepError, match="nothing in this workflow has a seed"):
        seeds(DOCUMENT, LIBRARY, 2, targets=["s"])


SAVING = workflow(
    {
        "w": ("words", {}),
        "s": ("shout", {}),
        "save": ("save_text", {"name": "tests/a.txt"}),
        "plain": ("save_text", {}),
        "n": ("noise", {"seed": 5}),
    },
    "w.text -> s.text",
    "s.text -> save.text",
    "w.text -> plain.text",
)


def saved(node: str, *over: str) -> list[str]:
    cells = grid(SAVING, [axis(text, SAVING, LIBRARY) for text in over], LIBRARY)
    return [cell.document.params(node).get("name", "a.txt") for cell in cells]


def test_every_point_saves_to_a_file_named_after_what_made_it() -> None:
    assert saved("save", "s.times=1,2") == ["tests/a-times-1.txt", "tests/a-times-2.txt"]
    assert saved("save", "w.text=a red ball,a star", "s.times=1")[0] == "tests/a-a-red-ball-times-1.txt"


def test_what_the_points_share_is_saved_once_under_its_own_name() -> None:
    assert saved("plain", "s.times=1,2") == ["a.txt", "a.txt"]
    assert saved("save", "n.seed=1,2") == ["tests/a.txt", "tests/a.txt"]


def test_a_sweep_over_the_file_name_itself_keeps_the_names_that_were_given() -> None:
    assert saved("save", "save.name=x.txt,y.txt", "s.times=1,2") == ["x.txt", "x.txt", "y.txt", "y.txt"]


@pytest.mark.parametrize(
    "values", ['w.text="a/b","a:b",a-b,a b', f"w.text={'x' * 300},{'x' * 301}", 'w.text="...",""," ",…', "w.text=-1,1"]
)
def test_texts_that_look_alike_as_file_names_still_get_their_own(values: str, tmp_path: Path) -> None:
    names = saved("save", values)
    assert len(set(names)) == len(axis(values, SAVING, LIBRARY).values)
    for name in names:
        Files((), tmp_path).target(name)
        assert len(name) < 100


def test_each_seed_of_a_batch_saves_to_a_file_of_its_own() -> None:
    document = workflow(
        {"n": ("noise", {"seed": 5}), "m": ("noise", {"seed": 7}), "save": ("save_latents", {})},
        "n.latent -> save.a",
        "m.latent -> save.b",
    )
    library = {**LIBRARY, "save_latents": replace(LIBRARY["save_text"], type="save_latents")}
    names = [each.params("save")["name"] for _, each in seeds(document, library, 2)]
    assert names == ["a-seed-5.txt", "a-seed-6.txt"]


def test_the_sheet_of_a_large_batch_is_about_as_high_as_wide_and_has_a_place_for_each() -> None:
    (row,) = batch_axes([f"seed {seed}" for seed in range(8)])
    assert len(row["labels"]) == 8
    down, across = batch_axes([f"seed {seed}" for seed in range(4, 24)])
    assert down["labels"] == ["seed 4", "seed 9", "seed 14", "seed 19"]
    assert across["labels"] == ["+0", "+1", "+2", "+3", "+4"]
