"""Samplers and objectives, against cases whose answer is known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
import torch
from einops import rearrange
from torch import Tensor

from nodes.dit.config import Objective
from nodes.dit.objectives import (
    add_noise,
    alpha_bar,
    clean_and_noise,
    foreseen,
    signal_and_noise,
    size_shift,
    target,
)
from nodes.dit.samplers import (
    Draw,
    Foresee,
    SamplerState,
    Step,
    ancestral,
    begin,
    dpm_2m,
    dpm_2m_sde,
    euler,
    heun,
    resumed,
    schedule,
    unipc,
)

MEAN = 0.7
OBJECTIVES: tuple[Objective, ...] = ("flow", "v", "ddpm-epsilon", "ddpm-x0")
DETERMINISTIC: tuple[Step, ...] = (euler, heun, dpm_2m, unipc)


def some_noise(step: int) -> Tensor:
    return torch.randn(1, 64, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(100 + step))


SAMPLERS = {
    "euler": euler,
    "heun": heun,
    "dpm_2m": dpm_2m,
    "unipc": unipc,
    "ancestral": ancestral(some_noise),
    "dpm_2m_sde": dpm_2m_sde(some_noise),
}


def gaussian(objective: Objective, width: float = 0.4) -> Foresee:
    """What a perfect model foresees when clean tokens are N(MEAN, width^2): E[target | x], read as x0."""

    def predict(x: Tensor, t: Tensor) -> Tensor:
        a, s = (rearrange(share, "b n -> b n 1") for share in signal_and_noise(objective, t))
        variance = (a * width) ** 2 + s**2
        clean = MEAN + a * width**2 * (x - a * MEAN) / variance
        eps = s * (x - a * MEAN) / variance
        return target(objective, clean, eps, t)

    return foreseen(objective, predict)


def exact(objective: Objective, width: float, z: Tensor, level: Tensor) -> Tensor:
    """Where the deterministic flow of that Gaussian carries z: to the same quantile at every level."""
    a, s = signal_and_noise(objective, level)
    return a * MEAN + ((a * width) ** 2 + s**2).sqrt() * z


def run(step: Step, state: SamplerState, width: float = 0.4) -> SamplerState:
    foresee = gaussian(state.objective, width)
    while not state.done:
        state = step(state, foresee)
    return state


def start(levels: Tensor, objective: Objective = "flow", width: float = 0.4) -> SamplerState:
    """64 tokens at the exact place of the first level."""
    z = some_noise(-1)
    state = begin(torch.zeros_like(z), torch.ones(1, 64, dtype=z.dtype), z, levels, objective)
    return replace(state, x=exact(objective, width, z, levels[0]))


def even_in_log_snr(steps: int) -> Tensor:
    """Levels of flow between log(a / s) = -3 and 3, so that all steps are alike in what the samplers work with."""
    return torch.linspace(3, -3, steps + 1, dtype=torch.float64).sigmoid()


def even_in_log_snr_of_v(steps: int) -> Tensor:
    return torch.linspace(3, -3, steps + 1, dtype=torch.float64).exp().atan() / (torch.pi / 2)


def even_in_time(steps: int) -> Tensor:
    return torch.linspace(1, 0.1, steps + 1, dtype=torch.float64)


# UniPC-p has order p + 1 (Zhao et al. 2023, corollary 3.2); 2M is UniPC-2 without its corrector.
ORDERS = [(euler, 1), (heun, 2), (dpm_2m, 2), (unipc, 3)]
CASES: list[tuple[Objective, Callable[[int], Tensor], tuple[float, ...]]] = [
    ("flow", even_in_log_snr, (0.2, 0.5, 2.0)),
    ("v", even_in_log_snr_of_v, (0.2, 0.5, 2.0)),
    ("ddpm-epsilon", even_in_time, (0.2, 1.0, 2.0)),
    ("ddpm-x0", even_in_time, (0.2, 1.0, 2.0)),
]


@pytest.mark.parametrize(("step", "order"), ORDERS)
@pytest.mark.parametrize(("objective", "levels", "widths"), CASES)
def test_a_sampler_converges_at_its_order_to_the_exact_gaussian(
    step: Step, order: int, objective: Objective, levels: Callable[[int], Tensor], widths: tuple[float, ...]
) -> None:
    counts = (32, 64, 128)
    for width in widths:
        errors = []
        for steps in counts:
            end = run(step, start(levels(steps), objective, width), width)
            truth = exact(objective, width, some_noise(-1), levels(steps)[-1])
            errors.append((end.x - truth).square().mean().sqrt())
        doublings = torch.arange(len(counts)) - 1.0
        slope = -float((torch.stack(errors).log2() * doublings).sum() / doublings.square().sum())
        assert slope == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("step", DETERMINISTIC)
@pytest.mark.parametrize("width", [0.1, 0.4, 1.0, 2.0])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_from_pure_noise_to_clean_the_exact_gaussian_comes_out(step: Step, width: float, objective: Objective) -> None:
    end = run(step, start(schedule(100), objective, width), width)
    assert torch.allclose(
        end.x, exact(objective, width, some_noise(-1), torch.zeros(())), atol=0.12 if step is euler else 0.03
    )


@pytest.mark.parametrize("sampler", [ancestral, dpm_2m_sde])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_steps_that_add_noise_reach_the_right_mean_and_width(
    objective: Objective, sampler: Callable[[Draw], Step]
) -> None:
    count, width = 20_000, 0.4
    generator = torch.Generator().manual_seed(0)
    eps = torch.randn(1, 1, count, dtype=torch.float64, generator=generator)
    state = begin(torch.zeros_like(eps), torch.ones(1, 1, dtype=eps.dtype), eps, schedule(400), objective)
    end = run(sampler(lambda step: torch.randn(eps.shape, dtype=eps.dtype, generator=generator)), state, width)
    assert float(end.x.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(end.x.std()) == pytest.approx(width, rel=0.03)
    assert abs(float((end.x * eps).mean())) < 0.05  # it has forgotten the noise that it began with


def test_a_first_order_step_of_the_flow_is_eulers_along_the_velocity() -> None:
    state = start(schedule(8))
    clean = gaussian("flow")(state.x, state.levels(0))
    velocity = (state.x - clean) / 1.0
    assert torch.allclose(euler(state, gaussian("flow")).x, state.x - velocity / 8)


def test_heun_takes_its_last_step_without_looking_at_level_zero() -> None:
    seen: list[float] = []

    def foresee(x: Tensor, t: Tensor) -> Tensor:
        seen.append(float(t.min()))
        return gaussian("flow")(x, t)

    state = start(schedule(3))
    while not state.done:
        state = heun(state, foresee)
    assert len(seen) == 5
    assert min(seen) > 0


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_perfect_prediction_gives_clean_and_noise_back(objective: Objective) -> None:
    clean, eps = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    t = torch.rand(2, 5) * 0.9 + 0.05
    x = add_noise(objective, clean, eps, t)
    clean_again, eps_again = clean_and_noise(objective, x, target(objective, clean, eps, t), t)
    assert torch.allclose(clean_again, clean, atol=1e-3)
    assert torch.allclose(eps_again, eps, atol=1e-3)


def test_the_target_of_v_is_how_a_token_changes_with_its_angle() -> None:
    clean, eps = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 5, 3, dtype=torch.float64)
    t, little = torch.rand(2, 5, dtype=torch.float64) * 0.9 + 0.05, 1e-6
    ahead, behind = (add_noise("v", clean, eps, t + side * little) for side in (1, -1))
    angle = 2 * little * torch.pi / 2
    assert torch.allclose(target("v", clean, eps, t), (ahead - behind) / angle, atol=1e-8)


@pytest.mark.parametrize("count", [torch.float32, torch.float64])
def test_at_its_last_level_v_holds_no_signal(count: torch.dtype) -> None:
    signal, noise = signal_and_noise("v", torch.ones(1, 1, dtype=count))
    assert 0 <= float(signal) < 1e-15
    assert float(noise) == 1


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_level_zero_is_clean(objective: Objective) -> None:
    clean = torch.randn(1, 4, 3)
    assert torch.equal(add_noise(objective, clean, torch.randn(1, 4, 3), torch.zeros(1, 4)), clean)


def test_the_ddpm_schedule_is_that_of_linear_beta() -> None:
    beta = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    t = torch.tensor([0.001, 0.5, 1.0], dtype=torch.float64)
    assert torch.allclose(alpha_bar(t), torch.cumprod(1 - beta, 0)[[0, 499, 999]])


def half_given() -> tuple[SamplerState, Tensor]:
    """A flow's state of which 10 tokens are given and 10 start halfway; and its clean tokens."""
    clean, level = some_noise(-2), torch.ones(1, 64, dtype=torch.float64)
    level[0, :10], level[0, 10:20] = 0, 0.5
    return begin(clean, level, some_noise(-1), schedule(5)), clean


@pytest.mark.parametrize("step", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_given_tokens_stay_bit_for_bit_and_the_model_sees_them_clean(step: Step, objective: Objective) -> None:
    state, clean = half_given()
    state = begin(clean, state.noise, some_noise(-1), schedule(5), objective)

    def foresee(x: Tensor, t: Tensor) -> Tensor:
        assert torch.equal(x[0, :10], clean[0, :10])
        return gaussian(objective)(x, t)

    while not state.done:
        state = step(state, foresee)
        assert state.x.isfinite().all()
        assert torch.equal(state.x[0, :10], clean[0, :10])
        assert torch.equal(state.clean[0, :10], clean[0, :10])
    assert not torch.allclose(state.x[0, 10:], clean[0, 10:])


def test_a_token_at_half_noise_starts_halfway_and_ends_near_its_content() -> None:
    clean, eps = torch.full((1, 2, 1), 5.0), torch.zeros(1, 2, 1)
    state = begin(clean, torch.tensor([[0.5, 1.0]]), eps, schedule(4))
    assert state.x.flatten().tolist() == [2.5, 0.0]
    assert state.levels(2).tolist() == [[0.25, 0.5]]


@pytest.mark.parametrize("step", SAMPLERS.values(), ids=SAMPLERS)
def test_a_run_goes_on_from_a_state_that_was_written_down(step: Step) -> None:
    state, _ = half_given()
    for _ in range(3):
        state = step(state, gaussian("flow"))
    page = json.dumps(asdict(state), default=lambda tensor: tensor.tolist())
    facts = json.loads(page)
    for name in ("x", "noise", "clean", "schedule"):
        facts[name] = torch.tensor(facts[name], dtype=torch.float64)
    facts["history"] = tuple(torch.tensor(part, dtype=torch.float64) for part in facts["history"])
    assert torch.equal(run(step, SamplerState(**facts)).x, run(step, state).x)


@pytest.mark.parametrize("step", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("done", [0, 1, 2, 4])
def test_tokens_and_guesses_of_each_step_are_enough_to_go_on_bit_for_bit(step: Step, done: int) -> None:
    begun, _ = half_given()
    state, after = begun, []
    for _ in range(done):
        state = step(state, gaussian("flow"))
        after.append((state.x, state.clean))
    again = resumed(begun, step, after)
    assert again.step == done
    assert torch.equal(run(step, again).x, run(step, state).x)


@pytest.mark.parametrize("step", DETERMINISTIC)
def test_clips_of_different_schedules_go_together_as_they_would_alone(step: Step) -> None:
    z, ones = some_noise(-1), torch.ones(1, 64, dtype=torch.float64)
    plain, shifted = (run(step, begin(0 * z, ones, z, schedule(6, shift))).x for shift in (1.0, 3.0))
    each = torch.stack([schedule(6), schedule(6, 3.0)], dim=1).repeat_interleave(32, dim=1)
    together = run(step, begin(0 * z, ones, z, each)).x
    assert torch.allclose(together, torch.cat([plain[:, :32], shifted[:, 32:]], dim=1), atol=1e-12)


def test_a_step_leaves_the_state_before_it_as_it_was() -> None:
    state = start(schedule(3))
    copy = state.x.clone()
    euler(state, gaussian("flow"))
    assert torch.equal(state.x, copy)
    assert state.step == 0


def test_the_schedule_falls_from_one_to_zero_and_a_shift_keeps_it_high() -> None:
    plain, shifted = schedule(10).tolist(), schedule(10, shift=3.0).tolist()
    assert plain[0] == shifted[0] == 1
    assert plain[-1] == shifted[-1] == 0
    assert all(a > b for a, b in itertools.pairwise(shifted))
    assert all(s > p for s, p in zip(shifted[1:-1], plain[1:-1], strict=True))


def test_the_shift_of_a_size_grows_with_the_root_of_its_tokens_and_never_falls_below_one() -> None:
    assert size_shift(4 * 80) == pytest.approx(2.0)
    assert size_shift(80) == size_shift(16) == 1.0


@pytest.mark.parametrize(
    ("steps", "shift", "strength"), [(50, 3.0, 0.6), (50, 5.0, 0.8), (30, 7.0, 0.5), (8, 1.0, 0.5)]
)
def test_an_edit_by_numbers_from_elsewhere_has_the_steps_that_it_has_there(
    steps: int, shift: float, strength: float
) -> None:
    """docs/sampling.md, Edits: elsewhere a strength cuts the schedule, here it scales one."""
    cut = schedule(steps, shift)[steps - int(steps * strength) :]
    at = 1 + (shift - 1) * strength
    ours = schedule(int(steps * strength), at) * (shift * strength / at)
    torch.testing.assert_close(ours, cut, rtol=0, atol=1e-12)
