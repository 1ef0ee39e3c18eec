"""Samplers as pure functions on an explicit state: one step, one call; the caller owns the loop.

A token's level falls from the `noise` it starts at (1: to be made; between: to be changed, as in SDEdit, Meng et al.
2021; 0: given, it stays exactly as it is). The schedule runs from 1 to 0 and scales every token's own level.

All of them see the model as what it holds the clean tokens to be, x0, and know the objective only by the shares of
signal and noise, x_t = a x0 + s eps. So each serves flow, v and DDPM alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor

from nodes.dit.config import Objective, Sampler
from nodes.dit.objectives import add_noise, shifted, signal_and_noise

Foresee = Callable[[Tensor, Tensor], Tensor]
"""(tokens (b n d), levels (b n)) -> the clean tokens (b n d) as the model foresees them, see `objectives.foreseen`."""
Step = Callable[["SamplerState", Foresee], "SamplerState"]
Draw = Callable[[int], Tensor]
"""step -> the noise (b n d) that is added in it: a function of the number alone, so that no state is hidden in it."""


@dataclass(frozen=True)
class SamplerState:
    """All that the next step needs; every field can be written to a file.

    x (b n d): the tokens now. noise (b n): the level that each started at. schedule (steps + 1) or (steps + 1, n):
    levels from 1 to 0. step: how many steps are done. clean (b n d): the latest guess of the outcome. history: what
    else a sampler of several steps looks back at, each (b n d).
    """

    x: Tensor
    noise: Tensor
    schedule: Tensor
    step: int
    clean: Tensor
    objective: Objective
    history: tuple[Tensor, ...] = ()

    @property
    def steps(self) -> int:
        return len(self.schedule) - 1

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    def levels(self, step: int) -> Tensor:
        """Every token's level (b n) after `step` steps."""
        return self.noise * self.schedule[step].to(self.noise.dtype)

    def shares(self, step: int) -> tuple[Tensor, Tensor]:
        """Signal a and noise s (b n 1) of every token after `step` steps."""
        a, s = signal_and_noise(self.objective, self.levels(step))
        return _each(a), _each(s)


def schedule(steps: int, shift: float = 1.0) -> Tensor:
    """Levels (steps + 1) from 1 to 0, in float64; `shift` > 1 spends more at high noise (Esser et al. 2024, eq. 23)."""
    return shifted(1 - torch.arange(steps + 1, dtype=torch.float64) / steps, shift)


def begin(clean: Tensor, noise: Tensor, eps: Tensor, levels: Tensor, objective: Objective = "flow") -> SamplerState:
    """The state before the first step: clean content (b n d), noised as far as `noise` (b n) asks, by eps (b n d)."""
    state = SamplerState(clean, noise, levels.to(clean.device), 0, clean, objective)
    return replace(state, x=add_noise(objective, clean, eps, state.levels(0)))


def resumed(state: SamplerState, step: Step, after: Iterable[tuple[Tensor, Tensor]]) -> SamplerState:
    """The state after the steps that were written down, each as (x, clean): bit for bit as if they had just been done.

    They are taken again without a model, with what it foresaw then: that restores a sampler's history.
    """
    for x, clean in after:
        state = replace(step(state, lambda _x, _levels, clean=clean: clean), x=x)  # type: ignore[misc]
    return state


def solver(name: Sampler, draw: Draw) -> Step:
    """The step of a sampler by its name; `draw` is for the one that adds noise."""
    steps: dict[Sampler, Step] = {
        "euler": euler,
        "heun": heun,
        "dpm++2m": dpm_2m,
        "unipc": unipc,
        "ddim": euler,
        "ddpm": ancestral(draw),
        "dpm++2m sde": dpm_2m_sde(draw),
    }
    return steps[name]


def euler(state: SamplerState, foresee: Foresee) -> SamplerState:
    """Euler's for flow, x + (t' - t) v, and DDIM for DDPM (Song et al. 2021, eq. 12, eta 0): the same, seen from x0."""
    clean = foresee(state.x, state.levels(state.step))
    return _advance(state, _towards(state, state.x, clean), clean)


def heun(state: SamplerState, foresee: Foresee) -> SamplerState:
    """Euler's step, then again with the mean slope of both ends (Karras et al. 2022, alg. 1). Second order.

    The slope is dx/dt for flow, for DDPM d(x/a) / d(s/a), for v d(x/(a + s)) / d(s/(a + s)). The last step, to where
    nothing was trained, is Euler's.
    """
    clean = foresee(state.x, state.levels(state.step))
    guess = _settle(state, _towards(state, state.x, clean))
    if state.step + 1 == state.steps:
        return _advance(state, guess, clean)
    foreseen = foresee(guess, state.levels(state.step + 1))
    (scale, rate), (scale_next, rate_next) = _curve(state, state.step), _curve(state, state.step + 1)
    first = (state.x / scale - clean) / rate
    second = (guess / scale_next - foreseen) / rate_next
    x = scale_next * (state.x / scale + (rate_next - rate) * (first + second) / 2)
    return _advance(state, x, clean)


def dpm_2m(state: SamplerState, foresee: Foresee) -> SamplerState:
    """DPM-Solver++(2M) (Lu et al. 2022, alg. 2): x0 is continued along half the logSNR. Second order, one forward."""
    clean = foresee(state.x, state.levels(state.step))
    return _advance(state, _two_step(state, state.x, clean), clean)


def unipc(state: SamplerState, foresee: Foresee) -> SamplerState:
    """UniPC-2 with B2(h) (Zhao et al. 2023, alg. 1 and 2): as 2M, but the new forward first corrects the step before.

    The corrector costs no forward. History: the corrected x before the last step, and the x0 foreseen before the last.
    """
    clean = foresee(state.x, state.levels(state.step))
    corrected = _settle(state, _correct(state, clean)) if state.step else state.x
    return replace(_advance(state, _two_step(state, corrected, clean), clean), history=(corrected, state.clean))


def ancestral(draw: Draw) -> Step:
    """DDPM's sampler (Ho et al. 2020, eq. 6-7), between any two levels (Kingma et al. 2021, eq. 25-26).

    A draw from q(x' | x, x0): in every step noise is taken away and fresh noise is added.
    """

    def step(state: SamplerState, foresee: Foresee) -> SamplerState:
        clean = foresee(state.x, state.levels(state.step))
        return _advance(state, _drawn(state, clean, draw), clean)

    return step


def dpm_2m_sde(draw: Draw) -> Step:
    """SDE-DPM-Solver++(2M) (Lu et al. 2022, sec. 6): ancestral, with x0 continued as in 2M."""

    def step(state: SamplerState, foresee: Foresee) -> SamplerState:
        clean = foresee(state.x, state.levels(state.step))
        return _advance(state, _drawn(state, _halfway(state, clean), draw), clean)

    return step


_TINY = 1e-12


def _towards(state: SamplerState, x: Tensor, clean: Tensor) -> Tensor:
    """x carried over the step with x0 held at `clean`: the exact solution if it were constant."""
    (a, s), (a_next, s_next) = state.shares(state.step), state.shares(state.step + 1)
    ratio = s_next / s.clamp(min=_TINY)
    return ratio * x + (a_next - a * ratio) * clean


def _drawn(state: SamplerState, clean: Tensor, draw: Draw) -> Tensor:
    """A draw from q(x' | x, x0 = clean) for the step's end."""
    (a, s), (a_next, s_next) = state.shares(state.step), state.shares(state.step + 1)
    kept = a / a_next
    fresh = (s**2 - (kept * s_next) ** 2).clamp(min=0)
    variance = s.clamp(min=_TINY) ** 2
    mean = (kept * s_next**2 * state.x + a_next * fresh * clean) / variance
    return mean + (fresh / variance).sqrt() * s_next * draw(state.step).to(mean)


def _curve(state: SamplerState, step: int) -> tuple[Tensor, Tensor]:
    """(scale, rate) in which d(x / scale) / d rate = (x / scale - x0) / rate."""
    a, s = state.shares(step)
    scale = {"flow": torch.ones_like(a), "v": a + s}.get(state.objective, a)
    return scale, s.clamp(min=_TINY) / scale


def _half_log_snr(state: SamplerState, step: int) -> Tensor:
    """log(a / s), (b n 1): -inf at pure noise, inf at none."""
    a, s = state.shares(step)
    return a.log() - s.log()


def _two_step(state: SamplerState, x: Tensor, clean: Tensor) -> Tensor:
    """`_towards` x0 as it is halfway."""
    return _towards(state, x, _halfway(state, clean))


def _halfway(state: SamplerState, clean: Tensor) -> Tensor:
    """x0 half a step on, by the line through it and the one before; as it is where there is no line."""
    if not state.step:
        return clean
    before, here, there = (_half_log_snr(state, state.step + k) for k in (-1, 0, 1))
    ahead = torch.where(there.isfinite(), (there - here) / (here - before) / 2, 0)
    return clean + ahead * (clean - state.clean)


def _correct(state: SamplerState, clean: Tensor) -> Tensor:
    """x as the step before would have made it, had it known the x0 that is foreseen now: order 3, at first 2."""
    base, earlier = state.history
    last = replace(state, step=state.step - 1)
    if state.step == 1:
        return _towards(last, base, (state.clean + clean) / 2)
    before, here, there = (_half_log_snr(state, state.step + k) for k in (-2, -1, 0))
    h, r = there - here, (before - here) / (there - here)
    decay = torch.expm1(-h)
    phi = decay / -h - 1
    b1, b2 = phi / decay, (phi / -h - 0.5) * 2 / decay
    back = (b2 - b1) / (r - 1)
    return _towards(last, base, state.clean + back * (earlier - state.clean) / r + (b1 - back) * (clean - state.clean))


def _advance(state: SamplerState, x: Tensor, clean: Tensor) -> SamplerState:
    return replace(state, x=_settle(state, x), clean=_settle(state, clean), step=state.step + 1)


def _settle(state: SamplerState, x: Tensor) -> Tensor:
    """x, but tokens that were given (level 0) as they are, bit for bit."""
    return torch.where(_each(state.noise > 0), x, state.x)


def _each(levels: Tensor) -> Tensor:
    return rearrange(levels, "b n -> b n 1")
