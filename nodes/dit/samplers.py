"""Samplers as pure functions on an explicit state: one step, one call; the caller owns the loop.

A token's level falls from the `noise` it starts at (1: to be made; between: to be changed, as in SDEdit, Meng et al.
2021; 0: given, it stays exactly as it is). The schedule runs from 1 to 0 and scales every token's own level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor

from nodes.dit.config import Objective
from nodes.dit.objectives import add_noise, clean_and_noise, signal_and_noise

Predict = Callable[[Tensor, Tensor], Tensor]
"""(tokens (b n d), levels (b n)) -> the DiT's prediction (b n d): the velocity, for flow."""


@dataclass(frozen=True)
class SamplerState:
    """All that the next step needs; every field can be written to a file.

    x (b n d): the tokens now. noise (b n): the level that each started at. schedule: levels from 1 to 0, of length
    steps + 1. step: how many steps are done. clean (b n d): the latest guess of the outcome, for previews.
    """

    x: Tensor
    noise: Tensor
    schedule: tuple[float, ...]
    step: int
    clean: Tensor

    @property
    def done(self) -> bool:
        return self.step >= len(self.schedule) - 1

    def levels(self, step: int) -> Tensor:
        """Every token's level (b n) after `step` steps."""
        return self.noise * self.schedule[step]


Step = Callable[[SamplerState, Predict], SamplerState]


def schedule(steps: int, shift: float = 1.0) -> tuple[float, ...]:
    """Levels from 1 to 0 in `steps` steps; `shift` > 1 spends more at high noise (Esser et al. 2024, eq. 23)."""
    even = [1 - i / steps for i in range(steps + 1)]
    return tuple(shift * t / (1 + (shift - 1) * t) for t in even)


def begin(
    clean: Tensor, noise: Tensor, eps: Tensor, levels: tuple[float, ...], objective: Objective = "flow"
) -> SamplerState:
    """The state before the first step: clean content (b n d), noised as far as `noise` (b n) asks, by eps (b n d)."""
    start = noise * levels[0]
    return SamplerState(add_noise(objective, clean, eps, start), noise, levels, 0, clean)


def euler(state: SamplerState, predict: Predict) -> SamplerState:
    """Flow: x + (t' - t) v. First order."""
    t, t_next = state.levels(state.step), state.levels(state.step + 1)
    velocity = predict(state.x, t)
    return _advance(state, state.x + _each(t_next - t) * velocity, state.x - _each(t) * velocity)


def heun(state: SamplerState, predict: Predict) -> SamplerState:
    """Flow: Euler's step, then again with the mean velocity of both ends. Second order."""
    t, t_next = state.levels(state.step), state.levels(state.step + 1)
    first = predict(state.x, t)
    guess = state.x + _each(t_next - t) * first
    mean = (first + predict(guess, t_next)) / 2
    return _advance(state, state.x + _each(t_next - t) * mean, state.x - _each(t) * mean)


def ddim(objective: Objective) -> Step:
    """The deterministic sampler of the DDPM objectives (Song et al. 2021, eq. 12, eta 0); for flow it is Euler's."""

    def step(state: SamplerState, predict: Predict) -> SamplerState:
        t, t_next = state.levels(state.step), state.levels(state.step + 1)
        clean, eps = clean_and_noise(objective, state.x, predict(state.x, t), t)
        signal, noise = signal_and_noise(objective, t_next)
        return _advance(state, _each(signal) * clean + _each(noise) * eps, clean)

    return step


def _advance(state: SamplerState, x: Tensor, clean: Tensor) -> SamplerState:
    """One step on; tokens that were given (level 0) stay bit for bit."""
    moves = _each(state.noise > 0)
    return replace(
        state,
        x=torch.where(moves, x, state.x),
        clean=torch.where(moves, clean, state.x),
        step=state.step + 1,
    )


def _each(levels: Tensor) -> Tensor:
    return rearrange(levels, "b n -> b n 1")
