"""The world: scenes, captions and frames."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from nodes.text_encoder.vocabulary import SYNONYMS, tokenise
from nodes.world import captions
from nodes.world.render import cover, render
from nodes.world.scene import BACKGROUNDS, COLOURS, MOTIONS, SHAPES, Scene, Thing, held_out, sample_scene
from nodes.world.train import WorldSheet, train

RED_BALL = Scene((Thing("red", "circle", "medium", "bounce"),), "meadow")


def scenes(count: int, **options: float | bool) -> list[Scene]:
    rng = random.Random(0)
    return [sample_scene(rng, **options) for _ in range(count)]


def facts(scene: Scene) -> captions.Said:
    return captions.Said(tuple((t.colour, t.shape, t.motion) for t in scene.things), scene.background)


def test_a_caption_says_the_whole_scene_and_can_be_read_back() -> None:
    rng = random.Random(1)
    for scene in scenes(300, two=0.5):
        for long in (False, True):
            text = captions.caption(scene, rng, long=long)
            assert captions.read(text) == facts(scene), text


def test_the_caption_of_one_image_may_leave_the_motion_out_but_says_nothing_wrong() -> None:
    rng = random.Random(1)
    for scene in scenes(200):
        said = captions.read(captions.caption(scene, rng, still=True))
        for (colour, shape, motion), thing in zip(said.things, scene.things, strict=True):
            assert (colour, shape) == (thing.colour, thing.shape)
            assert motion in (None, thing.motion)


def test_the_first_prompt_of_every_artist_is_in_the_grammar() -> None:
    said = captions.read("a red ball bouncing over a green meadow")
    assert said == captions.Said((("red", "circle", "bounce"),), "meadow")
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
        return {(t.colour, t.shape, t.motion) for s in scenes(1500, held=held) for t in s.things}

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
