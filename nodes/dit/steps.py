"""The sampler's way step by step: kept as it goes, so that an interrupted run goes on and another can branch off."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from assets.values.array import Array
from nodes.context import Context
from nodes.dit.samplers import Foresee, SamplerState, Step, resumed
from nodes.dit.skipping import Skips

Way = list[tuple[Tensor, Tensor]]
"""For each step the tokens x after it and the clean ones that were foreseen in it: (n d) each, on the CPU."""


def walk(
    ctx: Context,
    state: SamplerState,
    step: Step,
    foresee: Foresee,
    show: Callable[[int, Tensor], None],
    skips: Skips | None = None,
    stop: int = 0,
) -> Way:
    """Take the steps that are left, and keep each; those that an earlier run kept are not taken again.

    state: of one row (1 n d). show: given how many steps are done and the clean tokens (n d) after each. skips: those
    that `foresee` goes by. stop: after so many steps (0: all).

    What an earlier run took is the same only where every level up to there is. Two numbers of steps have none but the
    first level in common (1 - 1/24 is no 1 - k/48), so that more steps begin anew, and only a later `stop` goes on.
    """
    left = min(stop or state.steps, state.steps) - state.step
    kept = _fitting(ctx.kept(), state)[:left]
    known = state.step + len(kept)
    if skips:
        # What is remembered of a step is too large to keep: the last one that began anew is taken again.
        anew = [step for step, one in enumerate(kept) if "anew" in one and bool(one["anew"])]
        kept = kept[: anew[-1]] if anew else []
    way: Way = [(torch.as_tensor(one["x"]), torch.as_tensor(one["clean"])) for one in kept]
    state = retraced(state, step, way)
    for _ in ctx.steps(left, len(kept)):
        state = step(state, foresee)
        x, clean = state.x[0].cpu(), state.clean[0].cpu()
        require_numbers(x, state.step)
        way.append((x, clean))
        whole = {"anew": torch.tensor(skips.anew())} if skips else {}
        if state.step > known:
            ctx.keep({"x": x, "clean": clean, "level": state.schedule[state.step], **whole})
        show(state.step, clean)
    return way


def require_numbers(x: Tensor, step: int) -> None:
    """ValueError where what a DiT made in a step is no numbers."""
    if not bool(x.isfinite().all()):
        raise ValueError(
            f"In step {step} the DiT made what is no number (NaN): its weights are damaged, or its numbers are too "
            "large for float16. Choose the precision bfloat16 or float32 where it is loaded, leave out a LoRA, or get "
            "the model again."
        )


def retraced(state: SamplerState, step: Step, way: Way) -> SamplerState:
    """The state at the end of a way that begins at `state`."""
    device = state.x.device
    return resumed(state, step, ((x[None].to(device), clean[None].to(device)) for x, clean in way))


def _fitting(kept: list[dict[str, Array]], state: SamplerState) -> list[dict[str, Array]]:
    """The steps that were kept, as far as they are of this size and schedule."""
    size, levels = state.x.shape[1:], state.schedule[state.step + 1 :].float().tolist()
    fits = [
        one["x"].shape == size and float(torch.as_tensor(one["level"]).float()) == level
        for one, level in zip(kept, levels, strict=False)
    ]
    return kept[: fits.index(False)] if False in fits else kept[: len(fits)]
