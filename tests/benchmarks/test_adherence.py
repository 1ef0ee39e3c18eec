"""The measure itself: the fixed prompts, the counting and the contact sheet."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from benchmarks.adherence import bar_sentence
from benchmarks.judge.verdicts import Verdict, shares
from benchmarks.prompts import LISTS, draw, fixed_prompts
from benchmarks.sheet import write_sheet
from benchmarks.studio import rendered
from nodes.world.captions import read
from nodes.world.scene import held_out

FACTS = {"colour": "red", "background": "sea", "shape": "ring", "motion": "left", "pattern": "plain"}


@pytest.mark.parametrize("name", LISTS)
def test_the_committed_prompts_are_those_that_were_drawn_and_say_what_their_scenes_show(name: str) -> None:
    asked = fixed_prompts(name)
    assert asked == draw(name)
    for one in asked:
        said = read(one.prompt)
        assert said.background == one.scene.background
        assert [thing[:2] for thing in said.things] == [(thing.colour, thing.shape) for thing in one.scene.things]


@pytest.mark.parametrize("name", LISTS)
def test_half_of_the_prompts_are_long_and_all_are_of_combinations_as_their_list_says(name: str) -> None:
    asked = fixed_prompts(name)
    assert set(Counter("the background is" in one.prompt for one in asked).values()) == {len(asked) / 2}
    for one in asked:
        moved = [thing for thing in one.scene.things if thing.lane != "middle"]
        assert {held_out(thing.colour, thing.shape, thing.motion) for thing in moved} == {one.held_out}


def test_more_prompts_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the list 'trained' holds 64. Ask for 1 to that"):
        fixed_prompts("trained", 65)


def test_shares_count_each_attribute_and_clips_whose_things_are_all_right() -> None:
    verdicts = [
        Verdict(0, FACTS, FACTS),
        Verdict(1, FACTS, FACTS),
        Verdict(1, FACTS, FACTS | {"shape": "heart"}),  # the other thing of the same clip
        Verdict(2, FACTS, FACTS | {"pattern": "dotted"}),  # which is no part of "all"
    ]
    expected = {"colour": 1, "background": 1, "shape": 0.75, "motion": 1, "pattern": 0.75, "all": pytest.approx(2 / 3)}
    assert shares(verdicts) == expected


def test_a_missed_bar_is_said_with_what_was_missed() -> None:
    right = {"colour": 1.0, "background": 0.97, "shape": 0.9, "motion": 0.85, "all": 0.75}
    assert bar_sentence(right).endswith("is met.")
    assert "missed: motion 80% of the 85%" in bar_sentence(right | {"motion": 0.8})


def test_the_contact_sheet_shows_the_frames_of_every_clip_and_what_is_wrong(tmp_path: Path) -> None:
    asked = fixed_prompts("trained", 5)
    clips = [rendered(one.scene) for one in asked]
    right = [Verdict(number, FACTS, FACTS) for number in range(5)]
    write_sheet(tmp_path / "right.png", asked, clips, right)
    sheet = cv2.imread(str(tmp_path / "right.png"))
    assert sheet is not None
    assert (sheet[4:132:2, 4:132:2, ::-1] == clips[0].frames[0]).all()
    write_sheet(tmp_path / "wrong.png", asked, clips, [replace(one, seen=FACTS | {"shape": "heart"}) for one in right])
    assert (cv2.imread(str(tmp_path / "wrong.png")) != sheet).any()
