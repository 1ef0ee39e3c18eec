"""Prompt templates: every combination can be reached, and what is wrong is said."""

from collections import Counter

import pytest

from nodes.api import SpecError
from nodes.prompt.nodes import prompt_template
from nodes.prompt.template import combinations, drawn, fill

SLOTS = {
    "subject": "red ball\nblue star\n\n  pink ring ",
    "action": "bouncing\nspinning",
    "clothing": "",
    "place": "at sea",
}
TEMPLATE = "a {subject} {action} {place}"


def test_every_combination_is_reached_once_by_number_and_then_it_begins_again() -> None:
    count = combinations(TEMPLATE, SLOTS)
    texts = [fill(TEMPLATE, SLOTS, index) for index in range(count)]
    assert count == 6
    assert len(set(texts)) == 6
    assert texts[:2] == ["a red ball bouncing at sea", "a red ball spinning at sea"]
    assert fill(TEMPLATE, SLOTS, count) == texts[0]


def test_seeds_reach_every_combination_about_equally_often() -> None:
    counts = Counter(drawn(seed, 6) for seed in range(600))
    assert len(counts) == 6
    assert min(counts.values()) > 60


def test_the_same_seed_draws_the_same_text() -> None:
    assert prompt_template(seed=3) == prompt_template(seed=3)
    assert len({prompt_template(seed=seed).text for seed in range(20)}) > 3


def test_a_slot_that_comes_twice_is_filled_alike() -> None:
    assert fill("{subject} and {subject}", SLOTS, 1) == "blue star and blue star"


def test_an_unknown_slot_is_named_with_those_that_are_known() -> None:
    with pytest.raises(SpecError, match=r"\{colour\}; it knows \{subject\}"):
        fill("a {colour} ball", SLOTS, 0)


def test_a_slot_without_alternatives_is_named() -> None:
    with pytest.raises(SpecError, match=r"\{clothing\}, which has no alternatives"):
        fill("{subject} in {clothing}", SLOTS, 0)


@pytest.mark.parametrize("template", ["a {subject", "a subject}", "{{subject}}"])
def test_a_brace_without_its_partner_is_refused(template: str) -> None:
    with pytest.raises(SpecError, match="brace without its partner"):
        fill(template, SLOTS, 0)
