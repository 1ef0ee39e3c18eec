"""A stretch of a longer clip, sampled by itself: what the samplers that go window by window do in each."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from einops import rearrange
from torch import Tensor

from nodes.context import Context
from nodes.dit import samplers
from nodes.dit.denoiser import Denoiser, Request, steady, steered
from nodes.dit.objectives import foreseen
from nodes.dit.skipping import Skips
from nodes.dit.steps import require_numbers
from nodes.dit.windows import AddsNone
from nodes.levers import Levered


def sampled(
    model: Denoiser,
    request: Request,
    noise: Tensor,
    sampler: AddsNone,
    progress: Iterator[int],
    ctx: Context,
    skips: Skips | None = None,
) -> Tensor:
    """The tokens (n d) that are made of a request's patches from noise (n d); every step takes one of `progress`."""
    begun = request.patches
    clean, first, starts = (
        rearrange(torch.as_tensor(x), "n ... -> 1 n ...").to(ctx.device)
        for x in (begun.tokens, noise, model.starts(begun))
    )
    take = steered(samplers.solver(sampler, _adds_none), [request])
    with torch.inference_mode():
        alike = steady(model, [request], skips)
        predict = Levered(model.predictor([request], ctx.device, skips), ctx.device, alike)
        foresee = foreseen(model.objective, predict)
        state = samplers.begin(clean, starts, first, request.levels, model.objective)
        for _ in range(len(request.levels) - 1):
            next(progress)
            state = take(state, foresee)
            ctx.preview(replace(begun, tokens=state.clean[0].cpu(), beside={}))
    ctx.levers(str(predict))
    made = state.x[0].cpu()
    require_numbers(made, state.step)
    return made


def _adds_none(step: int) -> Tensor:
    raise AssertionError("the samplers here add no noise")
