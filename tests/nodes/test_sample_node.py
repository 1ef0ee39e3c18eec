"""The sampler node: what is given stays, seeds repeat, no forward is run for nothing."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_models import Bench, TinyModels, loaded

from assets.values import Conditioning, DiT, Latent, Patches, Text
from nodes.api import SpecError
from nodes.dit.nodes import Sampled, sample, sample_spec
from nodes.patches.nodes import noise_patches
from nodes.text_encoder.nodes import encode_text


@pytest.fixture
def canvas(tiny: TinyModels) -> Patches:
    """5 frames of 32 x 32 pixels; the first latent frame given, the second half way."""
    empty = noise_patches(tiny.dit, tiny.vae, width=32, height=32, frames=9)
    tokens = torch.randn(empty.tokens.shape, generator=torch.Generator().manual_seed(9))
    noise = torch.tensor([0.0, 0.5, 1.0]).repeat_interleave(4)
    return replace(empty, tokens=tokens, noise=noise)


@pytest.fixture
def text(tiny: TinyModels, bench: Bench) -> Conditioning:
    return encode_text(tiny.text_encoder, Text("a red ball"), ctx=bench)


def run(tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench, **widgets: Any) -> Sampled:
    return sample(tiny.dit, canvas, text, ctx=bench, **{"steps": 3, **widgets})


@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_given_patches_come_back_bit_for_bit(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench, sampler: str
) -> None:
    made = run(tiny, canvas, text, bench, sampler=sampler).patches
    changed = (made.tokens != canvas.tokens).any(dim=1)
    assert changed.tolist() == (canvas.noise > 0).tolist()
    assert (made.noise == 0).all()


def test_a_seed_gives_the_same_patches_again_and_another_seed_others(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench
) -> None:
    first, again = (run(tiny, canvas, text, bench, seed=5).patches for _ in range(2))
    other = run(tiny, canvas, text, bench, seed=6).patches
    assert torch.equal(first.tokens, again.tokens)
    assert not torch.equal(first.tokens, other.tokens)


def test_the_trajectory_goes_from_noise_to_the_result_step_by_step(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench
) -> None:
    made = run(tiny, canvas, text, bench, shift=3.0)
    way = made.trajectory
    assert way.states.shape[0] == 4
    assert way.sigmas[0] == 1
    assert way.sigmas[-1] == 0
    assert torch.equal(way.states[-1], made.patches.tokens)
    half = canvas.noise == 0.5
    eps = torch.randn(canvas.tokens.shape, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(way.states[0][half], 0.5 * canvas.tokens[half] + 0.5 * eps[half])


def test_every_step_is_shown(tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench) -> None:
    run(tiny, canvas, text, bench)
    assert len(bench.seen) == bench.done == 3
    assert all(isinstance(value, Patches | Latent) for value in bench.seen)


@pytest.mark.parametrize(("guidance", "rows"), [(1.0, 1), (4.0, 2)])
def test_guidance_takes_one_batch_of_two_and_none_is_run_at_guidance_one(
    tiny: TinyModels, canvas: Patches, text: Conditioning, guidance: float, rows: int, bench: Bench
) -> None:
    batches: list[int] = []
    model = loaded(tiny.dit)

    hook = model.register_forward_pre_hook(lambda module, arguments: batches.append(len(arguments[0])))
    try:
        run(tiny, canvas, text, bench, guidance=guidance)
    finally:
        hook.remove()
    assert batches == [rows] * 3


def test_without_a_negative_prompt_guidance_leads_away_from_the_empty_text(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench
) -> None:
    empty, other = (encode_text(tiny.text_encoder, Text(words), ctx=bench) for words in ("", "blue star"))
    plain = run(tiny, canvas, text, bench).patches.tokens
    assert torch.equal(plain, run(tiny, canvas, text, bench, negative=empty).patches.tokens)
    assert not torch.equal(plain, run(tiny, canvas, text, bench, negative=other).patches.tokens)


def test_models_that_do_not_belong_together_are_refused(tiny: TinyModels, canvas: Patches, text: Conditioning) -> None:
    def refused(dit: DiT, sentence: str, sampler: Any = "euler") -> None:
        with pytest.raises(SpecError, match=sentence):
            sample_spec(dit, canvas.spec, text.spec, 3, sampler)

    refused(replace(tiny.dit, space="other"), "'tiny'.*'other'")
    refused(replace(tiny.dit, patch=(2, 2, 2)), "patches of 1x2x2.*2x2x2")
    refused(replace(tiny.dit, encoder="other"), "'other'")
    refused(replace(tiny.dit, objective="ddpm-epsilon"), "choose ddim")
