"""The measure itself: the judge, the fixed prompts, the counting and the contact sheet."""

from collections import Counter
from pathlib import Path

import cv2
import pytest
import torch

from benchmarks.adherence import bar_sentences, shares
from benchmarks.judge.model import ATTRIBUTES, Judge, load_judge
from benchmarks.judge.train import JudgeTraining, accuracy, export, held_out_clips, train
from benchmarks.prompts import draw, fixed_prompts
from benchmarks.sheet import write_sheet
from nodes.training.loop import LoopConfig
from nodes.world.captions import read
from nodes.world.render import render
from nodes.world.scene import held_out


def test_the_judge_is_right_on_rendered_clips_of_held_out_combinations() -> None:
    judge, _ = load_judge()
    measured = accuracy(judge, *held_out_clips(48))
    assert all(measured[name] >= 0.9 for name in ATTRIBUTES), measured


def test_the_judge_does_not_read_a_thing_into_an_empty_scene_where_it_was_asked_for() -> None:
    judge, _ = load_judge()
    asked = fixed_prompts(16)
    verdicts = judge.judge(torch.zeros(16, 3, 17, 64, 64))
    assert shares(asked, verdicts)["all"] <= 1 / 16


def test_the_judge_refuses_clips_of_another_size_with_what_it_needs() -> None:
    with pytest.raises(ValueError, match=r"\(3, 9, 64, 64\); it needs \(3, 17, 64, 64\)"):
        Judge()(torch.zeros(1, 3, 9, 64, 64))


def test_training_the_judge_resumes_and_exports(tmp_path: Path) -> None:
    config = JudgeTraining(LoopConfig(steps=1, warm_up=1, cooldown=1, log_every=1, save_every=1), batch=2, held_out=4)
    train(config, tmp_path)
    train(config, tmp_path)  # done: nothing is left to train
    measured = export(tmp_path, tmp_path / "judge.safetensors", clips=4)
    _, known = load_judge(tmp_path / "judge.safetensors")
    assert known == measured


def test_the_committed_prompts_are_those_that_were_drawn_and_say_what_their_scenes_show() -> None:
    asked = fixed_prompts()
    assert asked == draw()
    for one in asked:
        said = read(one.prompt)
        assert said.background == one.facts["background"]
        assert said.things == ((one.facts["colour"], one.facts["shape"], one.facts["motion"]),)


def test_half_of_the_prompts_are_of_held_out_combinations_and_half_are_long() -> None:
    kinds = Counter((one.held_out, "the background is" in one.prompt) for one in fixed_prompts())
    assert set(kinds.values()) == {16}
    for one in fixed_prompts():
        assert held_out(one.facts["colour"], one.facts["shape"], one.facts["motion"]) == one.held_out


def test_shares_count_each_attribute_and_all_of_them() -> None:
    asked = fixed_prompts(4)
    verdicts = [dict(one.facts) for one in asked]
    verdicts[0]["shape"] = next(value for value in ATTRIBUTES["shape"] if value != asked[0].facts["shape"])
    assert shares(asked, verdicts) == {"colour": 1, "background": 1, "shape": 0.75, "motion": 1, "all": 0.75}


def test_a_missed_bar_is_said_with_what_was_missed() -> None:
    asked = fixed_prompts(2)
    right = [dict(one.facts) for one in asked]
    assert bar_sentences(asked, right) == ["The bar (colour 90%, background 90%, shape 60%, motion 60%) is met."]
    wrong = [{**facts, "motion": "none"} for facts in right]
    assert "missed: motion 0% of the 60%" in bar_sentences(asked, wrong)[0]


def test_the_contact_sheet_shows_the_frames_of_every_clip(tmp_path: Path) -> None:
    asked = fixed_prompts(5)
    clips = render([one.scene for one in asked], 64, 64, 17)
    write_sheet(tmp_path / "sheet.png", asked, clips, [one.facts for one in asked])
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    first = sheet[4:132:2, 4:132:2, ::-1]
    frame = ((clips[0, :, 0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert (first == frame).all()
