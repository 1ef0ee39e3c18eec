"""The world: scenes, captions and frames."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch

from nodes.text_encoder.vocabulary import SYNONYMS, tokenise
from nodes.world import captions
from nodes.world.render import cover, render
from nodes.world.scene import (
    BACKGROUNDS,
    COLOURS,
    MOTIONS,
    PASSES,
    SHAPES,
    Scene,
    Thing,
    held_out,
    lasting,
    sample_scene,
)
from nodes.world.train import WorldSheet, train

RED_BALL = Scene((Thing("red", "circle", "medium", "bounce"),), "meadow")


def scenes(count: int, **options: float | bool) -> list[Scene]:
    rng = random.Random(0)
    return [sample_scene(rng, **options) for _ in range(count)]


def facts(scene: Scene) -> captions.Said:
    """What a long caption says; a short one does not say that a thing in the middle stands still."""
    first = scene.things[0].lane
    return captions.Said(
        tuple((t.colour, t.shape, t.motion) for t in scene.things),
        scene.background,
        tuple(t.pattern for t in scene.things),
        scene.camera,
        first if first in PASSES else None,
    )


def test_a_caption_says_the_whole_scene_and_can_be_read_back() -> None:
    rng = random.Random(1)
    for scene in scenes(400, two=0.3, passing=0.3, plain=0.5):
        assert captions.read(captions.caption(scene, rng, long=True)) == facts(scene)
        short, whole = captions.read(captions.caption(scene, rng, long=False)), facts(scene)
        if whole.passes:
            whole = replace(whole, things=(whole.things[0], (*whole.things[1][:2], None)))
        assert short == whole


def test_the_caption_of_one_image_may_leave_the_motion_out_but_says_nothing_wrong() -> None:
    rng = random.Random(1)
    for scene in scenes(200):
        said = captions.read(captions.caption(scene, rng, still=True))
        for (colour, shape, motion), pattern, thing in zip(said.things, said.patterns, scene.things, strict=True):
            assert (colour, shape, pattern) == (thing.colour, thing.shape, thing.pattern)
            assert motion in (None, thing.motion)


def test_the_first_prompt_of_every_artist_is_in_the_grammar() -> None:
    said = captions.read("a red ball bouncing over a green meadow")
    assert said == captions.Said((("red", "circle", "bounce"),), "meadow", ("plain",))
    assert tokenise("a red ball bouncing over a green meadow").unknown == []
    assert not held_out("red", "circle", "bounce")


def test_every_word_of_a_caption_is_known() -> None:
    rng = random.Random(2)
    for scene in scenes(300):
        assert tokenise(captions.caption(scene, rng)).unknown == []


def test_every_synonym_leads_to_words_of_the_grammar() -> None:
    known = set(captions.words())
    assert [word for word, meant in SYNONYMS.items() if not set(meant.split()) <= known] == []
    assert [word for word in SYNONYMS if word in known] == []


def test_unknown_words_are_named_once_and_synonyms_are_understood() -> None:
    tokens = tokenise("A crimson balloon, a dragon and a Dragon")
    assert tokens.unknown == ["dragon"]
    assert tokens.ids == tokenise("a red ball a and a").ids


def test_held_out_combinations_are_never_sampled_in_training_and_always_when_asked_for() -> None:
    def triples(held: bool) -> set[tuple[str, str, str]]:
        return {(t.colour, t.shape, t.motion) for s in scenes(1500, held=held) for t in s.things if t.lane != "middle"}

    trained, held = triples(False), triples(True)
    assert not any(held_out(*triple) for triple in trained)
    assert all(held_out(*triple) for triple in held)
    everything = [(c, s, m) for c in COLOURS for s in SHAPES for m in MOTIONS]
    assert 0.05 < sum(held_out(*triple) for triple in everything) / len(everything) < 0.15


def test_a_seed_gives_the_same_scene_and_the_same_frames() -> None:
    one, two = sample_scene(random.Random(7)), sample_scene(random.Random(7))
    assert one == two
    assert torch.equal(render([one], 32, 32, 3), render([two], 32, 32, 3))


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_background_fills_any_size_with_colours_in_range(background: str) -> None:
    scene = Scene(RED_BALL.things, background, variant=0.7, mirrored=True)
    for height, width, frames in ((64, 64, 5), (24, 40, 1), (40, 24, 3)):
        clip = render([scene], height, width, frames)
        assert clip.shape == (1, 3, frames, height, width)
        assert torch.isfinite(clip).all()
        assert -1 <= clip.min() <= clip.max() <= 1


@pytest.mark.parametrize("motion", [motion for motion in MOTIONS if motion != "still"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_motion_of_every_shape_can_be_seen(shape: str, motion: str) -> None:
    clip = render([Scene((Thing("red", shape, "medium", motion),), "gray")], 32, 32, 17)
    assert clip.diff(dim=2).abs().amax(dim=(0, 1, 3, 4)).max() > 0.2


def test_a_thing_that_stands_still_does_not_change() -> None:
    clip = render([Scene((Thing("blue", "star", "large", "still"),), "white")], 32, 32, 9)
    assert clip.diff(dim=2).abs().max() == 0


def test_right_goes_right_and_down_goes_down() -> None:
    def centre(motion: str) -> torch.Tensor:
        seen = cover([Scene((Thing("red", "circle", "small", motion),), "black")], 32, 32, 17)[0, 0]
        across, down = seen.sum(dim=1), seen.sum(dim=2)
        places = torch.arange(32.0)
        return torch.stack([(across @ places) / across.sum(1), (down @ places) / down.sum(1)])

    for motion, axis, way in (("right", 0, 1), ("left", 0, -1), ("down", 1, 1), ("up", 1, -1), ("fall", 1, 1)):
        path = centre(motion)
        assert way * (path[axis, -1] - path[axis, 0]) > 8
        assert (path[1 - axis] - path[1 - axis, 0]).abs().max() < 1


def test_frames_from_the_middle_are_those_of_the_whole_clip() -> None:
    whole = render([RED_BALL], 32, 32, 9)
    assert torch.allclose(render([RED_BALL], 32, 32, 4, start=5), whole[:, :, 5:], atol=1e-6)


def passing(lane: str, background: str = "gray") -> Scene:
    mover = Thing("red", "circle", "small", "right", lane=lane)
    return Scene((mover, Thing("blue", "square", "medium", "still", lane="middle")), background)


def test_a_thing_that_passes_behind_another_is_hidden_and_comes_back() -> None:
    def red(lane: str) -> torch.Tensor:
        clip = render([passing(lane)], 64, 64, 17)[0]
        return ((clip[0] > 0.4) & (clip[2] < 0)).sum(dim=(1, 2)).float()

    behind, front = red("behind"), red("front")
    assert behind[8] == 0
    assert front[8] > 0.9 * front[0]
    assert behind[0] > 0.6 * front[0]
    assert behind[-1] > 0.6 * front[-1]


@pytest.mark.parametrize(("move", "shift"), [("pan right", -1), ("pan left", 1)])
def test_the_scene_slides_against_the_way_the_camera_pans(move: str, shift: int) -> None:
    still = Scene((Thing("red", "circle", "small", "still"),), "meadow")
    seen = cover([replace(still, camera=move)], 64, 64, 17)[0, 0].sum(dim=1)
    centre = (seen @ torch.arange(64.0)) / seen.sum(dim=1)
    assert shift * (centre[-1] - centre[0]) > 15
    clip = render([replace(still, camera=move)], 64, 64, 17)
    assert clip[..., 40:, :].diff(dim=2).abs().amax(dim=(0, 1, 3, 4)).min() > 0.1


def test_zooming_in_makes_things_larger_and_zooming_out_smaller() -> None:
    still = Scene((Thing("red", "circle", "small", "still"),), "sea")
    sizes = {
        move: cover([replace(still, camera=move)], 64, 64, 17)[0, 0].sum(dim=(1, 2)) for move in ("zoom in", "zoom out")
    }
    assert sizes["zoom in"][-1] > 1.5 * sizes["zoom in"][0]
    assert sizes["zoom out"][0] > 1.5 * sizes["zoom out"][-1]


@pytest.mark.parametrize("shape", SHAPES)
def test_stripes_and_dots_darken_a_part_of_a_thing_and_keep_its_colour(shape: str) -> None:
    def thing(pattern: str) -> torch.Tensor:
        return render([Scene((Thing("red", shape, "large", "still", pattern=pattern),), "gray")], 64, 64, 1)

    plain, inside = thing("plain"), cover([Scene((Thing("red", shape, "large", "still"),), "gray")], 64, 64, 1)[0] == 1
    for pattern in ("striped", "dotted"):
        darker = (plain - thing(pattern))[0, 0] > 0.2
        assert 0.02 < darker[inside[0]].float().mean() < 0.6
        assert not darker[~inside[0]].any()


def test_a_longer_clip_has_slower_journeys_and_the_same_cycles() -> None:
    moving, bouncing = (Scene((Thing("red", "circle", "small", motion),), "gray") for motion in ("right", "bounce"))
    assert torch.equal(render([lasting(bouncing, 33)], 32, 32, 17), render([bouncing], 32, 32, 17))
    slow = render([lasting(moving, 33)], 32, 32, 33)
    assert torch.allclose(slow[:, :, ::2], render([moving], 32, 32, 17), atol=1e-5)


def test_two_things_differ_and_keep_to_their_sides() -> None:
    for scene in scenes(50, two=1.0):
        first, second = scene.things
        assert first.colour != second.colour
        assert first.shape != second.shape
        assert {first.lane, second.lane} in ({"left", "right"}, {"top", "bottom"})


def test_words_and_scenes_need_no_torch() -> None:
    modules = ["world.captions", "text_encoder.config", "dit.config", "video_vae.config", "patches.layout"]
    code = "import sys, " + ", ".join(f"nodes.{module}" for module in modules)
    subprocess.run([sys.executable, "-c", code + "; sys.exit('torch' in sys.modules)"], check=True)


def test_the_contact_sheet_shows_every_clip_with_its_caption(tmp_path: Path) -> None:
    train(WorldSheet(clips=3, height=16, width=24, frames=5), tmp_path)
    assert len((tmp_path / "captions.txt").read_text().splitlines()) == 3
    assert cv2.imread(str(tmp_path / "contact-sheet.png")).shape == (3 * (14 + 16), 3 * 24, 3)
