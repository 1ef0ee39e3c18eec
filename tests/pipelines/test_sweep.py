"""Grids over widgets, and batches of seeds."""

import pytest
import small_nodes
from engine_bench import workflow

from pipelines.sweep import SweepError, axis, grid, seeds

LIBRARY = small_nodes.library()
DOCUMENT = workflow(
    {"w": ("words", {}), "s": ("shout", {}), "n": ("noise", {"seed": 5}), "v": ("number", {}), "r": ("refine", {})},
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
    cells = grid(DOCUMENT, axes)
    found = [(cell.document.params("n")["seed"], cell.document.params("r")["steps"]) for cell in cells]
    assert found == [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]
    assert cells[4].at == (1, 1)
    assert cells[4].label == "seed 2, steps 4"
    assert DOCUMENT.params("n") == {"seed": 5}


def test_a_grid_that_is_too_large_or_goes_through_a_widget_twice_is_refused() -> None:
    seed = axis("n.seed=1..100", DOCUMENT, LIBRARY)
    with pytest.raises(SweepError, match="10000 runs; it needs 1 to 1000"):
        grid(DOCUMENT, [seed, axis("v.value=1..100", DOCUMENT, LIBRARY)])
    with pytest.raises(SweepError, match="same widget"):
        grid(DOCUMENT, [axis("n.seed=1,2", DOCUMENT, LIBRARY), axis("n.seed=3", DOCUMENT, LIBRARY)])


def test_a_batch_of_seeds_begins_with_the_document_as_it_is() -> None:
    batch = seeds(DOCUMENT, LIBRARY, 3)
    assert [label for label, _ in batch] == ["seed 5", "seed 6", "seed 7"]
    assert [document.params("n")["seed"] for _, document in batch] == [5, 6, 7]
    assert seeds(DOCUMENT, LIBRARY, 1) == [("", DOCUMENT)]
    with pytest.raises(SweepError, match="nothing in this workflow has a seed"):
        seeds(DOCUMENT, LIBRARY, 2, targets=["s"])
