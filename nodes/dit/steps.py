"""The sampler's way step by step: kept as it goes, so that an interrupted run goes on and another can branch off."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nodes.context import Context
from nodes.dit.samplers import Foresee, SamplerState, Step, resumed

Way = list[tuple[Tensor, Tensor]]
"""For each step the tokens x after it and the clean ones that were foreseen in it: (n d) each, on the CPU."""


def walk(ctx: Context, state: SamplerState, step: Step, foresee: Foresee, show: Callable[[int, Tensor], None]) -> Way:
    """Take the steps that are left, and keep each; those that an interrupted run kept are not taken again.

    state: of one row (1 n d). show: given how many steps are done and the clean tokens (n d) after each.
    """
    way = _kept(ctx, state)
    done = len(way)
    left = state.steps - state.step
    state = retraced(state, step, way)
    for number in ctx.steps(left):
        if number < done:
            continue
        state = step(state, foresee)
        x, clean = state.x[0].cpu(), state.clean[0].cpu()
        way.append((x, clean))
        ctx.keep({"x": x, "clean": clean, "level": state.schedule[state.step]})
        show(state.step, clean)
    return way


def retraced(state: SamplerState, step: Step, way: Way) -> SamplerState:
    """The state at the end of a way that begins at `state`."""
    device = state.x.device
    return resumed(state, step, ((x[None].to(device), clean[None].to(device)) for x, clean in way))


def _kept(ctx: Context, state: SamplerState) -> Way:
    """The steps that were kept, as far as they are those of this schedule and size."""
    way: Way = []
    for kept, level in zip(ctx.kept(), state.schedule[state.step + 1 :], strict=False):
        x, clean = (torch.as_tensor(kept[name]) for name in ("x", "clean"))
        if x.shape != state.x.shape[1:] or float(torch.as_tensor(kept["level"])) != float(level):
            break
        way.append((x, clean))
    return way
