"""Samplers and objectives, against cases whose answer is known."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, replace

import pytest
import torch
from einops import rearrange

from nodes.dit.config import Objective
from nodes.dit.objectives import add_noise, alpha_bar, clean_and_noise, signal_and_noise, target
from nodes.dit.samplers import Predict, SamplerState, Step, begin, ddim, euler, heun, schedule

MEAN, SPREAD = 0.7, 0.4
OBJECTIVES: tuple[Objective, ...] = ("flow", "ddpm-epsilon", "ddpm-x0")


def gaussian(objective: Objective) -> Predict:
    """The exact prediction when clean tokens are N(MEAN, SPREAD^2): E[target | x]."""

    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        a, s = (rearrange(share, "b n -> b n 1") for share in signal_and_noise(objective, t))
        variance = (a * SPREAD) ** 2 + s**2
        clean = MEAN + a * SPREAD**2 * (x - a * MEAN) / variance
        eps = s * (x - a * MEAN) / variance
        return target(objective, clean, eps)

    return predict


def run(step: Step, objective: Objective, steps: int, eps: torch.Tensor) -> torch.Tensor:
    noise = torch.ones(eps.shape[:2], dtype=eps.dtype)
    state = begin(torch.zeros_like(eps), noise, eps, schedule(steps), objective)
    while not state.done:
        state = step(state, gaussian(objective))
    return state.x


def noise(count: int = 64) -> torch.Tensor:
    return torch.randn(1, count, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("step", "order"), [(euler, 1), (heun, 2)])
def test_flow_samplers_converge_at_their_order_to_the_exact_gaussian(step: Step, order: int) -> None:
    eps = noise()
    exact = MEAN + SPREAD * eps  # the flow's map, in closed form
    coarse, fine = ((run(step, "flow", steps, eps) - exact).abs().max() for steps in (32, 64))
    assert fine < 0.05
    assert torch.log2(coarse / fine) == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize("objective", ["ddpm-epsilon", "ddpm-x0"])
def test_ddim_converges_to_the_exact_gaussian(objective: Objective) -> None:
    eps = noise()
    start = add_noise(objective, torch.zeros_like(eps), eps, torch.ones(1, 64, dtype=torch.float64))
    a, s = signal_and_noise(objective, torch.ones((), dtype=torch.float64))
    exact = MEAN + SPREAD * (start - a * MEAN) / ((a * SPREAD) ** 2 + s**2).sqrt()
    coarse, fine = ((run(ddim(objective), objective, steps, eps) - exact).abs().max() for steps in (50, 400))
    assert fine < 0.03
    assert fine < coarse / 4


def test_ddim_of_the_flow_objective_is_eulers() -> None:
    eps = noise()
    assert torch.allclose(run(ddim("flow"), "flow", 8, eps), run(euler, "flow", 8, eps))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_perfect_prediction_gives_clean_and_noise_back(objective: Objective) -> None:
    clean, eps = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    t = torch.rand(2, 5) * 0.9 + 0.05
    x = add_noise(objective, clean, eps, t)
    clean_again, eps_again = clean_and_noise(objective, x, target(objective, clean, eps), t)
    assert torch.allclose(clean_again, clean, atol=1e-3)
    assert torch.allclose(eps_again, eps, atol=1e-3)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_level_zero_is_clean(objective: Objective) -> None:
    clean = torch.randn(1, 4, 3)
    assert torch.equal(add_noise(objective, clean, torch.randn(1, 4, 3), torch.zeros(1, 4)), clean)


def test_the_ddpm_schedule_is_that_of_linear_beta() -> None:
    beta = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    t = torch.tensor([0.001, 0.5, 1.0], dtype=torch.float64)
    assert torch.allclose(alpha_bar(t), torch.cumprod(1 - beta, 0)[[0, 499, 999]])


@pytest.mark.parametrize("step", [euler, heun, ddim("flow")])
def test_given_tokens_stay_bit_for_bit(step: Step) -> None:
    eps = noise()
    clean = torch.randn_like(eps)
    level = torch.ones(1, 64, dtype=torch.float64)
    level[0, :10] = 0
    state = begin(clean, level, eps, schedule(4))
    while not state.done:
        state = step(state, gaussian("flow"))
        assert torch.equal(state.x[0, :10], clean[0, :10])
        assert torch.equal(state.clean[0, :10], clean[0, :10])
    assert not torch.allclose(state.x[0, 10:], clean[0, 10:])


def test_a_token_at_half_noise_starts_halfway_and_ends_near_its_content() -> None:
    clean, eps = torch.full((1, 2, 1), 5.0), torch.zeros(1, 2, 1)
    state = begin(clean, torch.tensor([[0.5, 1.0]]), eps, schedule(4))
    assert state.x.flatten().tolist() == [2.5, 0.0]
    assert state.levels(2).tolist() == [[0.25, 0.5]]


def test_a_run_goes_on_from_a_state_that_was_written_down() -> None:
    eps = noise(8)
    state = begin(torch.zeros_like(eps), torch.ones(1, 8, dtype=eps.dtype), eps, schedule(6))
    for _ in range(3):
        state = heun(state, gaussian("flow"))
    page = json.dumps({k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in asdict(state).items()})
    facts = json.loads(page)
    tensors = {k: torch.tensor(facts[k], dtype=torch.float64) for k in ("x", "noise", "clean")}
    again = SamplerState(**tensors, schedule=tuple(facts["schedule"]), step=facts["step"])
    for _ in range(3):
        state, again = heun(state, gaussian("flow")), heun(again, gaussian("flow"))
    assert torch.equal(state.x, again.x)


def test_a_step_leaves_the_state_before_it_as_it_was() -> None:
    eps = noise(4)
    state = begin(torch.zeros_like(eps), torch.ones(1, 4, dtype=eps.dtype), eps, schedule(3))
    copy = replace(state, x=state.x.clone())
    euler(state, gaussian("flow"))
    assert torch.equal(state.x, copy.x)
    assert state.step == 0


def test_the_schedule_falls_from_one_to_zero_and_a_shift_keeps_it_high() -> None:
    plain, shifted = schedule(10), schedule(10, shift=3.0)
    assert plain[0] == shifted[0] == 1
    assert plain[-1] == shifted[-1] == 0
    assert all(a > b for a, b in itertools.pairwise(shifted))
    assert all(s > p for s, p in zip(shifted[1:-1], plain[1:-1], strict=True))
