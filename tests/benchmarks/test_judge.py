"""The judge: what it is shown of a scene, and how right it is on rendered clips."""

from pathlib import Path

import pytest
import torch

from benchmarks.judge.kinds import KINDS, Kind
from benchmarks.judge.looks import looks
from benchmarks.judge.model import load_judge
from benchmarks.judge.train import JudgeTraining, accuracy, export, train
from benchmarks.judge.verdicts import judged, shares
from benchmarks.prompts import fixed_prompts
from nodes.training.loop import LoopConfig
from nodes.world.scene import Scene, Thing


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_judge_is_right_on_rendered_clips_of_held_out_combinations(kind: Kind) -> None:
    judge, _ = load_judge()
    measured = accuracy(judge, (kind,), 12)[kind.name]
    assert measured["all"] >= 0.8, measured


def test_the_judge_does_not_read_a_thing_into_an_empty_scene_where_it_was_asked_for() -> None:
    judge, _ = load_judge()
    asked = fixed_prompts("held out", 16)
    verdicts = judged(judge, [one.scene for one in asked], torch.zeros(16, 3, 17, 64, 64))
    assert shares(verdicts)["all"] <= 1 / 16


def test_of_two_things_each_is_looked_at_on_its_side_and_none_for_what_is_only_passed() -> None:
    left, right = Thing("red", "ring", "small", "up", lane="left"), Thing("blue", "star", "small", "fall", lane="right")
    clip = torch.zeros(3, 17, 64, 112)
    clip[..., 56:] = 1
    first, second = looks(Scene((left, right), "sea"), 17)
    assert first.facts["colour"] == "red"
    assert first.at(clip).shape == second.at(clip).shape == (3, 17, 64, 56)
    assert (first.at(clip) == 0).all()
    assert (second.at(clip) == 1).all()
    mover, foil = (
        Thing("red", "ring", "small", "left", lane="behind"),
        Thing("blue", "heart", "medium", "still", lane="middle"),
    )
    (only,) = looks(Scene((mover, foil), "sea"), 17)
    assert only.facts == {"colour": "red", "background": "sea", "shape": "ring", "pattern": "plain"}
    marked = torch.zeros(3, 17, 64, 64)
    marked[:, -1, :, :10] = 1  # where and when it has come out on the left
    assert only.at(marked).max() == 1
    assert only.at(marked.flip(-1)).max() == 0


def test_a_single_frame_is_not_judged_for_what_moves() -> None:
    (look,) = looks(Scene((Thing("red", "ring", "small", "up"),), "sea"), 1)
    assert "motion" not in look.facts


def test_training_the_judge_resumes_and_exports(tmp_path: Path) -> None:
    config = JudgeTraining(
        LoopConfig(steps=1, warm_up=1, cooldown=1, log_every=1, save_every=1), kinds=KINDS[-2:-1], held_out=2
    )
    train(config, tmp_path)
    train(config, tmp_path)  # done: nothing is left to train
    measured = export(tmp_path, tmp_path / "judge.safetensors", clips=2)
    _, known = load_judge(tmp_path / "judge.safetensors")
    assert known == measured
