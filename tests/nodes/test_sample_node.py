"""The sampler node: what is given stays, seeds repeat, no forward is run for nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from bench import Bench, loaded
from tiny_models import TinyModels

from assets.codec import encode
from assets.values import Conditioning, DiT, Latent, Patches, Text
from nodes.api import SpecError, collected_warnings
from nodes.context import Cancelled
from nodes.dit.config import Sampler
from nodes.dit.denoiser import Request, levels_for
from nodes.dit.nodes import Sampled, branch, branch_spec, sample, sample_spec, steps_taken
from nodes.dit.objectives import size_shift
from nodes.dit.samplers import schedule
from nodes.dit.sampling import sample_together
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


@pytest.mark.parametrize("sampler", get_args(Sampler))
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
    hook = loaded(tiny.dit).enter.register_forward_pre_hook(lambda module, arguments: batches.append(len(arguments[0])))
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
    def refused(dit: DiT, sentence: str) -> None:
        with pytest.raises(SpecError, match=sentence):
            sample_spec(dit, canvas.spec, text.spec, 3)

    refused(replace(tiny.dit, space="other"), "'tiny'.*'other'")
    refused(replace(tiny.dit, patch=(2, 2, 2)), "patches of 1x2x2.*2x2x2")
    refused(replace(tiny.dit, encoder="other"), "'other'")


@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_guidance_follows_its_curve_over_the_steps(
    tiny: TinyModels, canvas: Patches, text: Conditioning, sampler: str
) -> None:
    def states(**widgets: Any) -> torch.Tensor:
        return torch.as_tensor(run(tiny, canvas, text, Bench(), sampler=sampler, **widgets).trajectory.states)

    plain, first_alone = states(), states(guidance_over_steps="0:1 0.5:0")
    assert torch.equal(states(guidance_over_steps="0:1"), plain)
    assert torch.equal(first_alone[:2], plain[:2])
    assert not torch.equal(first_alone[2], plain[2])
    assert torch.allclose(states(guidance_over_steps="0:0"), states(guidance=1.0), atol=1e-5)
    assert torch.equal(states(guidance_over_steps="0:0.5", guidance=5.0), states(guidance=3.0))


def test_guidance_by_a_curve_goes_on_and_branches_bit_for_bit(
    tiny: TinyModels, canvas: Patches, text: Conditioning
) -> None:
    told = {"steps": 6, "guidance_over_steps": "0:0 0.4:1 1:0.2"}
    whole = run(tiny, canvas, text, Bench(), **told)
    stopped = run(tiny, canvas, text, Bench(), **told, stop=2)
    gone_on = run(tiny, canvas, text, Bench(kept_before=steps_taken(stopped._asdict())), **told)
    curve = {"guidance_over_steps": told["guidance_over_steps"]}
    branched = branch(tiny.dit, whole.trajectory, text, ctx=Bench(), step=3, **curve)  # type: ignore[arg-type]
    other = branch(tiny.dit, whole.trajectory, text, ctx=Bench(), step=3)
    assert encode(gone_on.trajectory) == encode(branched.trajectory) == encode(whole.trajectory)
    assert encode(other.trajectory) != encode(whole.trajectory)


def test_a_curve_over_the_steps_of_guidance_one_is_warned_of(
    tiny: TinyModels, canvas: Patches, text: Conditioning
) -> None:
    with collected_warnings() as said:
        sample_spec(tiny.dit, canvas.spec, text.spec, 3, guidance=1, guidance_over_steps="0:1 1:0")
    assert "changes nothing" in said[0]


@pytest.mark.parametrize("sampler", get_args(Sampler))
@pytest.mark.parametrize("interrupted_at", [1, 4])
def test_an_interrupted_run_takes_the_steps_that_are_left_and_ends_bit_for_bit_the_same(
    tiny: TinyModels, canvas: Patches, text: Conditioning, sampler: str, interrupted_at: int
) -> None:
    whole = run(tiny, canvas, text, Bench(), sampler=sampler, steps=6)
    broken_off = Bench(stop_at=interrupted_at)
    with pytest.raises(Cancelled):
        run(tiny, canvas, text, broken_off, sampler=sampler, steps=6)
    assert len(broken_off.steps_kept) == interrupted_at

    again = Bench(kept_before=broken_off.steps_kept)
    made, forwards = counted(tiny, lambda: run(tiny, canvas, text, again, sampler=sampler, steps=6))
    left = 6 - interrupted_at
    assert forwards == (2 * left - 1 if sampler == "heun" else left)
    assert encode(made.patches) == encode(whole.patches)
    assert encode(made.trajectory) == encode(whole.trajectory)


def test_steps_that_were_kept_of_another_schedule_are_not_taken_up(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench
) -> None:
    run(tiny, canvas, text, bench, shift=2.0)
    made, forwards = counted(tiny, lambda: run(tiny, canvas, text, Bench(kept_before=bench.steps_kept)))
    assert forwards == 3
    assert encode(made.patches) == encode(run(tiny, canvas, text, Bench()).patches)


@pytest.mark.parametrize("sampler", get_args(Sampler))
@pytest.mark.parametrize("step", [0, 1, 4])
def test_a_branch_with_the_same_settings_ends_as_the_trajectory_did_and_runs_what_is_left(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench, sampler: str, step: int
) -> None:
    whole = run(tiny, canvas, text, bench, sampler=sampler, steps=6, seed=3)
    made, forwards = counted(tiny, lambda: branch(tiny.dit, whole.trajectory, text, ctx=Bench(), step=step, seed=3))
    assert forwards == (2 * (6 - step) - 1 if sampler == "heun" else 6 - step)
    assert encode(made.patches) == encode(whole.patches)
    assert encode(made.trajectory) == encode(whole.trajectory)


def test_a_branch_goes_elsewhere_by_its_text_its_seed_and_its_number_of_steps(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench
) -> None:
    other = encode_text(tiny.text_encoder, Text("blue star"), ctx=bench)
    way = run(tiny, canvas, text, bench, steps=6, sampler="unipc").trajectory
    ends = [
        branch(tiny.dit, way, text, ctx=Bench(), step=2),
        branch(tiny.dit, way, other, ctx=Bench(), step=2),
        branch(tiny.dit, way, text, ctx=Bench(), step=2, guidance=1.0),
        branch(tiny.dit, way, text, ctx=Bench(), step=2, steps=9),
        branch(tiny.dit, way, text, ctx=Bench(), step=2, sampler="ddpm", seed=1),
        branch(tiny.dit, way, text, ctx=Bench(), step=2, sampler="ddpm", seed=2),
    ]
    assert len({encode(made.patches) for made in ends}) == len(ends)
    for made in ends:
        assert torch.equal(made.trajectory.states[:3], way.states[:3])
        assert torch.equal(made.patches.tokens[canvas.noise == 0], canvas.tokens[canvas.noise == 0])
    assert ends[3].trajectory.spec.steps == 2 + 9
    assert ends[3].trajectory.sigmas[-1] == 0


def test_a_branch_is_interrupted_and_resumed_like_a_run(tiny: TinyModels, canvas: Patches, text: Conditioning) -> None:
    way = run(tiny, canvas, text, Bench(), steps=6, sampler="unipc").trajectory
    whole = branch(tiny.dit, way, text, ctx=Bench(), step=2, guidance=2.0)
    broken_off = Bench(stop_at=3)
    with pytest.raises(Cancelled):
        branch(tiny.dit, way, text, ctx=broken_off, step=2, guidance=2.0)
    again = Bench(kept_before=broken_off.steps_kept)
    made, forwards = counted(tiny, lambda: branch(tiny.dit, way, text, ctx=again, step=2, guidance=2.0))
    assert forwards == 1
    assert encode(made.trajectory) == encode(whole.trajectory)


def test_a_branch_from_where_nothing_is_left_is_refused(tiny: TinyModels, canvas: Patches, text: Conditioning) -> None:
    way = run(tiny, canvas, text, Bench()).trajectory
    with pytest.raises(SpecError, match=r"Got step 3 of a trajectory of 3 steps.*Choose 2 or less"):
        branch_spec(tiny.dit, way.spec, text.spec, 3, 0)


@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_requests_of_different_size_text_seed_guidance_and_shift_go_together_as_they_would_alone(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench, sampler: Any
) -> None:
    other = encode_text(tiny.text_encoder, Text("a small green star moving in a circle"), ctx=bench)
    wide = noise_patches(tiny.dit, tiny.vae, width=64, height=16, frames=5)
    still = noise_patches(tiny.dit, tiny.vae, width=32, height=32, frames=1)
    asked = [
        (canvas, text, {"seed": 1, "guidance": 4.0, "shift": 1.0}),
        (wide, other, {"seed": 2, "guidance": 1.0, "shift": 3.0}),
        (still, other, {"seed": 3, "guidance": 2.5, "shift": 1.0}),
    ]
    alone = [run(tiny, patches, words, Bench(), sampler=sampler, **widgets) for patches, words, widgets in asked]
    requests = [
        Request(
            patches, words, None, widgets["seed"], widgets["guidance"], levels_for(3, widgets["shift"], patches.grids)
        )
        for patches, words, widgets in asked
    ]
    together, forwards = counted(tiny, lambda: sample_together(loaded(tiny.dit), requests, sampler))
    assert forwards == (5 if sampler == "heun" else 3)
    for (patches, way), single in zip(together, alone, strict=True):
        assert patches.spec == single.patches.spec
        assert torch.allclose(patches.tokens, single.patches.tokens, atol=1e-5)
        assert torch.allclose(way.states, single.trajectory.states, atol=1e-5)
        assert torch.equal(way.sigmas, single.trajectory.sigmas)


def test_skipping_runs_the_blocks_less_often_and_at_none_changes_nothing(
    tiny: TinyModels, canvas: Patches, text: Conditioning
) -> None:
    exact, all_blocks = counted(tiny, lambda: run(tiny, canvas, text, Bench(), steps=8), of="blocks.0")
    never, as_many = counted(tiny, lambda: run(tiny, canvas, text, Bench(), steps=8, lossy_skip=1e-9), of="blocks.0")
    skipped, fewer = counted(tiny, lambda: run(tiny, canvas, text, Bench(), steps=8, lossy_skip=0.3), of="blocks.0")
    assert all_blocks == as_many == 8
    assert 1 < fewer < 8
    assert encode(never.patches) == encode(exact.patches)
    assert encode(skipped.patches) != encode(exact.patches)


@pytest.mark.parametrize("interrupted_at", [2, 5])
def test_an_interrupted_run_that_skips_ends_bit_for_bit_the_same(
    tiny: TinyModels, canvas: Patches, text: Conditioning, interrupted_at: int
) -> None:
    whole = run(tiny, canvas, text, Bench(), steps=8, lossy_skip=0.3)
    broken_off = Bench(stop_at=interrupted_at)
    with pytest.raises(Cancelled):
        run(tiny, canvas, text, broken_off, steps=8, lossy_skip=0.3)
    made = run(tiny, canvas, text, Bench(kept_before=broken_off.steps_kept), steps=8, lossy_skip=0.3)
    assert encode(made.trajectory) == encode(whole.trajectory)


def test_requests_of_different_numbers_of_steps_do_not_go_together(
    tiny: TinyModels, canvas: Patches, text: Conditioning
) -> None:
    requests = [Request(canvas, text, None, 0, 1.0, levels_for(steps, 1.0, canvas.grids)) for steps in (3, 4)]
    with pytest.raises(ValueError, match="Got requests of 3, 4 steps"):
        sample_together(loaded(tiny.dit), requests, "euler")


def test_clips_packed_in_one_canvas_are_sampled_without_seeing_each_other(
    tiny: TinyModels, canvas: Patches, text: Conditioning, bench: Bench
) -> None:
    both = replace(
        canvas,
        tokens=torch.cat([canvas.tokens, canvas.tokens]),
        noise=torch.cat([canvas.noise, canvas.noise]),
        grids=(*canvas.grids, *canvas.grids),
    )
    made = run(tiny, both, text, bench)
    eps = made.trajectory.states[0].chunk(2)
    assert not torch.equal(eps[0], eps[1])
    other = replace(both, tokens=torch.cat([canvas.tokens, canvas.tokens + 1]))
    again = run(tiny, other, text, bench)
    count = len(canvas.tokens)
    assert torch.equal(again.patches.tokens[:count], made.patches.tokens[:count])
    assert not torch.equal(again.patches.tokens[count:], made.patches.tokens[count:])


def test_a_shift_of_zero_is_that_of_the_clips_size(tiny: TinyModels, text: Conditioning, bench: Bench) -> None:
    large = noise_patches(tiny.dit, tiny.vae, width=160, height=128, frames=5)
    sigmas = run(tiny, large, text, bench, shift=0.0).trajectory.sigmas
    assert torch.allclose(sigmas, schedule(3, size_shift(len(large.tokens))).float())
    assert size_shift(len(large.tokens)) > 1


def counted(tiny: TinyModels, make: Callable[[], Any], of: str = "enter") -> tuple[Any, int]:
    """What `make` makes, and how many forwards of (a part of) the DiT it took."""
    forwards: list[int] = []
    hook = loaded(tiny.dit).get_submodule(of).register_forward_pre_hook(lambda *_: forwards.append(1))
    try:
        return make(), len(forwards)
    finally:
        hook.remove()


@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_a_run_that_stopped_early_goes_on_bit_for_bit_from_where_it_was(
    tiny: TinyModels, canvas: Patches, text: Conditioning, sampler: str
) -> None:
    whole = run(tiny, canvas, text, Bench(), sampler=sampler, steps=6)
    made = run(tiny, canvas, text, Bench(), sampler=sampler, steps=6, stop=2)
    for stop, forwards in ((4, 2), (0, 2)):
        again = Bench(kept_before=steps_taken(made._asdict()))
        made, ran = counted(
            tiny, lambda again=again, stop=stop: run(tiny, canvas, text, again, sampler=sampler, steps=6, stop=stop)
        )
        assert ran == (2 * forwards - (stop == 0) if sampler == "heun" else forwards)
        assert again.done == forwards
    assert encode(made.patches) == encode(whole.patches)
    assert encode(made.trajectory) == encode(whole.trajectory)


def test_what_stops_early_is_what_was_foreseen_then_and_the_way_to_it(
    tiny: TinyModels, canvas: Patches, text: Conditioning
) -> None:
    whole = run(tiny, canvas, text, Bench(), steps=6).trajectory
    made, forwards = counted(
        tiny, lambda: run(tiny, canvas, text, Bench(kept_before=steps_taken({"trajectory": whole})), steps=6, stop=2)
    )
    assert forwards == 0
    assert torch.equal(made.trajectory.states, whole.states[:3])
    assert torch.equal(made.trajectory.sigmas, whole.sigmas)
    assert torch.equal(made.patches.tokens, whole.predictions[1])
    assert torch.equal(made.patches.tokens[canvas.noise == 0], canvas.tokens[canvas.noise == 0])
    assert (made.patches.noise == 0).all()
    foreseen = sample_spec(tiny.dit, canvas.spec, text.spec, 6, stop=2)
    assert (made.patches.spec, made.trajectory.spec) == (foreseen.patches, foreseen.trajectory)
    assert str(foreseen.trajectory).startswith("2 of 6 steps")


def test_a_branch_goes_on_where_its_trajectory_was_stopped(
    tiny: TinyModels, canvas: Patches, text: Conditioning
) -> None:
    whole = run(tiny, canvas, text, Bench(), steps=6)
    stopped = run(tiny, canvas, text, Bench(), steps=6, stop=2).trajectory
    made, forwards = counted(tiny, lambda: branch(tiny.dit, stopped, text, ctx=Bench(), step=2))
    assert forwards == 4
    assert encode(made.patches) == encode(whole.patches)
    assert branch_spec(tiny.dit, stopped.spec, text.spec, 2, 0).trajectory.steps == 6
    with pytest.raises(SpecError, match="Choose 2 or less"):
        branch_spec(tiny.dit, stopped.spec, text.spec, 3, 0)


def test_lossy_skipping_begins_anew_since_a_result_does_not_say_what_was_skipped(
    tiny: TinyModels, canvas: Patches, text: Conditioning
) -> None:
    half = run(tiny, canvas, text, Bench(), steps=6, stop=3, lossy_skip=0.5)
    whole = run(tiny, canvas, text, Bench(), steps=6, lossy_skip=0.5)
    again = run(tiny, canvas, text, Bench(kept_before=steps_taken(half._asdict())), steps=6, lossy_skip=0.5)
    assert encode(again.trajectory) == encode(whole.trajectory)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_schedules_of_other_numbers_of_steps_part_after_the_first_level(shift: float) -> None:
    """So that no step of one can stand for a step of another: more steps begin anew, a later stop goes on."""
    assert len({float(schedule(steps, shift)[1]) for steps in range(1, 201)}) == 200
