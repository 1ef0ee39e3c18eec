"""Language models of one's own: they caption and expand, on disk or behind an endpoint that was named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tiny_language
from bench import Bench
from tiny_endpoint import Asked, serving
from transformers import AutoModelForImageTextToText, AutoProcessor

from assets.files import Files
from assets.values import Clip, Text
from assets.weight_files import WeightsRefused
from nodes.families.language.endpoint import EndpointFailed
from nodes.families.language.instructions import CAPTION, instructions, with_all_of
from nodes.families.language.nodes import (
    caption_frames,
    endpoint_describer,
    endpoint_writer,
    endpoint_writer_spec,
    evenly,
    load_describer,
    load_describer_spec,
    load_writer,
    load_writer_spec,
)
from nodes.prompt.nodes import expand_prompt


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    models = tmp_path_factory.mktemp("models")
    tiny_language.write_writer(models / "writer")
    tiny_language.write_describer(models / "describer")
    return Files((), models, (models,))


CLIP = Clip(np.random.default_rng(0).integers(0, 255, (9, 32, 48, 3), dtype=np.uint8), 8.0)


def test_a_local_model_expands_a_prompt_keeps_all_of_it_and_says_the_same_for_a_seed(files: Files) -> None:
    expander = load_writer(files=files, model="writer", style="Wan")
    made = [expand_prompt(expander, Text("two red balls"), ctx=Bench(), seed=seed).text for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
    assert made[0].startswith("two red balls. ")
    assert len(made[0].split()) > 3


def test_a_local_model_captions_a_clip_as_it_does_by_itself(files: Files) -> None:
    describer = load_describer(files=files, model="describer")
    said = caption_frames(describer, CLIP, ctx=Bench(), looks=3).text

    folder = files.models[0] / "describer"
    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForImageTextToText.from_pretrained(folder)
    asked = processor(
        images=[CLIP.frames[at] for at in (0, 4, 8)],
        text=f"<image><image><image>{CAPTION} caption:",
        return_tensors="pt",
    )
    made = model.generate(**asked, max_new_tokens=400, do_sample=False)
    assert said == processor.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True).strip()
    assert said


def test_the_looks_of_a_captioner_are_spread_over_the_clip() -> None:
    assert len(evenly(CLIP, 32)) == 9
    assert [np.array_equal(look, CLIP.frames[at]) for look, at in zip(evenly(CLIP, 3), (0, 4, 8), strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("prompt", "written", "made"),
    [
        ("a red ball bounces", '"A red ball is bouncing on grass."', "A red ball is bouncing on grass."),
        ("a red ball bounces", "A blue ball bounces.", "a red ball bounces. A blue ball bounces."),
        ("a cat", "", "a cat."),
    ],
)
def test_an_expansion_that_lost_a_word_comes_after_the_prompt(prompt: str, written: str, made: str) -> None:
    assert with_all_of(prompt, written).strip() == made


def test_a_model_of_another_kind_is_refused_with_what_is_needed(files: Files) -> None:
    with pytest.raises(WeightsRefused, match="needs a model that writes text"):
        load_writer_spec("describer", "plain", files)
    with pytest.raises(WeightsRefused, match="needs a model that reads images"):
        load_describer_spec("writer", files)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[tuple[Files, Asked]]:
    """Files that name an endpoint "local", and what it was asked."""
    with serving(tmp_path) as asked:
        yield Files((), tmp_path, (tmp_path,)), asked


def test_an_endpoint_that_was_named_is_asked_with_its_key_and_the_instructions_of_the_style(
    endpoint: tuple[Files, Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    files, asked = endpoint
    monkeypatch.setenv("MY_KEY", "secret")
    expander = endpoint_writer(files=files, endpoint_name="local", model="known", style="LTX-Video")
    assert expand_prompt(expander, Text("red ball"), ctx=Bench(), seed=7).text == "A large red ball bounces."
    assert asked[0]["path"] == "/v1/chat/completions"
    assert (asked[0]["key"], asked[0]["seed"]) == ("Bearer secret", 7)
    assert asked[0]["messages"][0]["content"] == instructions("LTX-Video")
    assert "secret" not in str(expander)

    describer = endpoint_describer(files=files, endpoint_name="local", model="known")
    assert caption_frames(describer, CLIP, ctx=Bench(), looks=2).text == "A large red ball bounces."
    parts = asked[1]["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "image_url"]


def test_an_endpoint_that_fails_or_was_not_named_costs_a_sentence(
    endpoint: tuple[Files, Asked],
) -> None:
    files, asked = endpoint
    with pytest.raises(WeightsRefused, match="no endpoint 'elsewhere'"):
        endpoint_writer_spec("elsewhere", "known", "plain", files)
    assert asked == []
    for model in ("unknown", "silent"):
        expander = endpoint_writer(files=files, endpoint_name="local", model=model)
        with pytest.raises(EndpointFailed, match=f"gave no answer of '{model}'"):
            expand_prompt(expander, Text("red ball"), ctx=Bench(), seed=0)
