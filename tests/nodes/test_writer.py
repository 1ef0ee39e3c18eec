"""The grammar that captions are written by."""

import random
import re

import pytest
import torch

from nodes.world.captions import caption, read
from nodes.world.scene import sample_scene
from nodes.writer.grammar import Asked, AskedThing, Cursor
from nodes.writer.model import Writer
from nodes.writer.words import Detail, numbers, sentence


@pytest.mark.parametrize("detail", ["short", "descriptive"])
def test_every_caption_of_the_world_can_be_written(detail: Detail) -> None:
    rng = random.Random(0)
    for _ in range(60):
        text = caption(sample_scene(rng, two=0.3, passing=0.3, plain=0.4), rng, long=detail == "descriptive")
        cursor = Cursor(detail)
        for word in text.replace(".", " .").replace(",", "").split():
            assert word in cursor.words(), text
            cursor.advance(word)
        assert cursor.ended(), text


@pytest.mark.parametrize("detail", ["short", "descriptive"])
@pytest.mark.parametrize("seed", range(6))
def test_an_untrained_writer_writes_whole_captions(seed: int, detail: Detail) -> None:
    torch.manual_seed(seed)
    writer, generator = Writer(24, 1).eval(), torch.Generator().manual_seed(seed)
    (text,) = writer.write(torch.randn(1, 3, 24), detail, [Cursor(detail)], temperature=1, generator=generator)
    said = read(text)
    assert said.background
    assert 1 <= len(said.things) <= 2
    assert all(None not in thing for thing in (said.things[:1] if said.passes else said.things)), text
    colours = [colour for colour, *_ in said.things]
    assert len(set(colours)) == len(colours)


def test_the_facts_asked_for_are_the_only_ones_that_can_be_written() -> None:
    wanted = Asked((AskedThing("pink", "ring", "large", "fall"),), "sea")
    torch.manual_seed(0)
    (text,) = Writer(24, 1).eval().write(torch.randn(1, 3, 24), "descriptive", [Cursor("descriptive", wanted)])
    assert read(text).things == (("pink", "ring", "fall"),)
    assert read(text).background == "sea"
    assert re.search("large|big", text)


def test_a_text_is_its_numbers_and_back() -> None:
    text = "we see a red ball. it bounces. the background is completely black."
    assert sentence(numbers(text, "descriptive")) == text
