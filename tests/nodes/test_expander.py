"""The prompt expander: what is kept, what is filled in, how it trains."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nodes.expander.config import ExpanderConfig
from nodes.expander.entities import asked, entities, keeps
from nodes.expander.model import Expander, load, save
from nodes.expander.prompts import prompt_and_caption
from nodes.expander.train import ExpanderTraining, export, train
from nodes.training.loop import LoopConfig
from nodes.weights_file import WeightsError
from nodes.world.captions import read
from nodes.world.scene import sample_scene
from nodes.writer.grammar import Asked, AskedThing

WEIGHTS = Path("assets/weights/expander.safetensors")
TINY = ExpanderConfig(width=24, readers=1, writers=1)


@pytest.fixture(scope="module")
def shipped() -> Expander:
    return load(WEIGHTS)


def test_entities_are_read_from_fragments_and_from_synonyms() -> None:
    assert entities("A crimson balloon, jumping on the lawn") == {
        ("colour", "red"),
        ("shape", "circle"),
        ("motion", "bounce"),
        ("background", "meadow"),
    }


def test_a_motion_in_a_circle_and_an_orange_sunset_are_no_circle_and_no_colour() -> None:
    assert entities("a star moving in a circle before an orange sunset") == {
        ("shape", "star"),
        ("motion", "orbit"),
        ("background", "sunset"),
    }


@pytest.mark.parametrize(
    "expansion",
    [
        "we see a small blue ball over grass. it bounces. "
        "the background is a sunny meadow with grass and a white cloud.",
        "we see a small red star over grass. it bounces. "
        "the background is a sunny meadow with grass and a white cloud.",
        "we see a small red ball over grass. it falls. the background is a sunny meadow with grass and a white cloud.",
        "we see a small red ball on black. it bounces. the background is completely black.",
        "we see a large red ball over grass. it bounces. "
        "the background is a sunny meadow with grass and a white cloud.",
        "we see a small red ball on the left and a small blue star on the right over grass. the red ball bounces. "
        "the blue star spins. "
        "the background is a sunny meadow with grass and a white cloud.",
    ],
)
def test_an_expansion_that_changes_a_fact_or_adds_a_thing_does_not_keep_the_prompt(expansion: str) -> None:
    assert not keeps("a tiny red ball bouncing on the grass", expansion)


def test_an_expansion_that_swaps_the_colours_of_two_things_does_not_keep_the_prompt() -> None:
    prompt = "a red ball and a blue star on black"
    kept = "we see a red ball on the left and a blue star on the right. the red ball spins. the blue star falls. "
    swapped = "we see a blue ball on the left and a red star on the right. the blue ball spins. the red star falls. "
    assert keeps(prompt, kept + "the background is completely black.")
    assert not keeps(prompt, swapped + "the background is completely black.")


def test_an_expansion_that_gives_the_stripes_to_the_other_thing_does_not_keep_the_prompt() -> None:
    prompt = "a striped red ball behind a blue box"
    rest = "the red ball moves left and passes behind the blue box. the blue box rests. the background is snow."
    assert keeps(prompt, f"we see a small striped red ball behind a large blue box. {rest}")
    assert not keeps(prompt, f"we see a small red ball behind a large striped blue box. {rest}")
    before = rest.replace("behind", "in front of")
    assert not keeps(prompt, f"we see a small striped red ball in front of a large blue box. {before}")


def test_every_prompt_that_is_trained_on_is_kept_by_its_caption() -> None:
    rng = random.Random(0)
    for _ in range(300):
        prompt, caption = prompt_and_caption(sample_scene(rng, passing=0.3, plain=0.5), rng)
        assert keeps(prompt, caption), (prompt, caption)


def test_what_a_prompt_asks_for_is_read_in_the_order_of_a_caption() -> None:
    assert told("a tiny star spinning on the right and the red ball on grass") == Asked(
        (AskedThing(colour="red", shape="circle"), AskedThing(shape="star", size="small", motion="spin", lane="right")),
        "meadow",
    )
    assert told("something blue that falls") == Asked((AskedThing(colour="blue", motion="fall"),))
    assert told("we see a red ball. the red ball bounces.") == Asked((AskedThing("red", "circle", motion="bounce"),))
    assert asked("a spotted ball behind a box in front of a sunset, zooming in") == Asked(
        (AskedThing(shape="circle", pattern="dotted"), AskedThing(shape="square", pattern="plain")),
        "sunset",
        "zoom in",
        "behind",
    )


def told(prompt: str) -> Asked:
    """What is asked for, but for what goes without saying: plain things, a fixed camera, none behind another."""
    read = asked(prompt)
    assert (read.camera, read.passes) == ("fixed", "")
    assert {thing.pattern for thing in read.things} == {"plain"}
    return Asked(tuple(replace(thing, pattern=None) for thing in read.things), read.background)


@pytest.mark.parametrize("seed", range(24))
def test_what_was_asked_for_is_written_even_by_an_untrained_expander(seed: int) -> None:
    torch.manual_seed(seed)
    rng = random.Random(seed)
    prompt, _ = prompt_and_caption(sample_scene(rng, passing=0.5, plain=0.5), rng)
    text = Expander(TINY).eval().expand(prompt, seed)
    assert text != prompt
    assert keeps(prompt, text)


def test_a_prompt_of_more_things_than_a_caption_can_say_comes_back_as_it_is() -> None:
    prompt = "a red ball and a blue star and a green ring"
    torch.manual_seed(0)
    assert Expander(TINY).eval().expand(prompt) == prompt


def test_training_resumes_and_exports_what_can_be_loaded(tmp_path: Path) -> None:
    loop = LoopConfig(steps=2, warm_up=1, cooldown=1, log_every=1, save_every=1)
    config = ExpanderTraining(model=TINY, loop=loop, batch=4)
    train(config, tmp_path / "run")
    train(replace(config, loop=replace(loop, steps=3)), tmp_path / "run")
    steps = [line for line in (tmp_path / "run" / "curves.jsonl").read_text().splitlines() if '"loss"' in line]
    assert len(steps) == 3
    exported = export(config, tmp_path / "run", tmp_path / "expander.safetensors")
    read_back = load(tmp_path / "expander.safetensors")
    memory, _ = exported.bfloat16().float().read(["a red ball"])
    assert torch.allclose(memory, read_back.read(["a red ball"])[0], atol=1e-5)


def test_weights_of_another_vocabulary_are_refused(tmp_path: Path) -> None:
    model = Expander(TINY)
    model.config = replace(TINY, words=(*TINY.words[:-1], "zebra"))
    save(model, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="vocabulary"):
        load(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    "prompt",
    ["a red ball bouncing over a green meadow", "star", "a pink heart at sunset", "a huge cyan ring"],
)
def test_the_shipped_expander_keeps_the_prompt_and_fills_in_the_rest(shipped: Expander, prompt: str) -> None:
    text = shipped.expand(prompt)
    assert keeps(prompt, text)
    said = read(text)
    assert said.background
    assert all(None not in thing for thing in said.things)


def test_the_same_seed_expands_alike_and_another_differs(shipped: Expander) -> None:
    texts = {seed: shipped.expand("a green square", seed) for seed in range(4)}
    assert texts[0] == shipped.expand("a green square", 0)
    assert len(set(texts.values())) > 1


def test_words_that_the_family_does_not_know_survive(shipped: Expander) -> None:
    text = shipped.expand("a blue ball in Paris.")
    assert text.startswith("a blue ball in Paris. ")
    assert len(text) > len("a blue ball in Paris. ")


def test_a_prompt_of_unknown_words_alone_is_left_as_it_is(shipped: Expander) -> None:
    assert shipped.expand("Drachen über Köln") == "Drachen über Köln"
