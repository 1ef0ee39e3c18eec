"""The table of what each card can run says what the planner says."""

from pathlib import Path

import pytest

from benchmarks.cards import CARDS, MODELS, Published, on_cards

DOC = Path(__file__).parents[2] / "docs" / "models.md"


@pytest.mark.parametrize("model", [MODELS[0], MODELS[7]], ids=lambda model: model.name)
def test_the_page_for_artists_says_what_the_planner_says(model: Published) -> None:
    assert f"| {model.name}, {model.canvas} | {' | '.join(on_cards(model))} |" in DOC.read_text()


def test_a_larger_card_asks_for_less() -> None:
    said = on_cards(MODELS[0])
    assert len(said) == len(CARDS)
    assert said[0] == "text streamed"
    assert said[-1] == "whole"
