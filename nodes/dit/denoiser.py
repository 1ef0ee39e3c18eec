"""What the samplers ask of a DiT, whoever's it is: the built-in one here, others in `nodes/families/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from assets.values import Conditioning, Patches
from assets.values.array import Array
from assets.values.patches import Grid, grid_tokens
from nodes.dit.config import Objective
from nodes.dit.guidance import Predict, guided, padded_to
from nodes.dit.model import DiT
from nodes.dit.objectives import size_shift
from nodes.dit.samplers import Foresee, SamplerState, Step, schedule
from nodes.dit.skipping import Skips
from nodes.patches.layout import grid_coords
from nodes.streaming import is_streamed
from nodes.text_encoder.model import Encoded


@dataclass
class Request:
    """What the sampler node is asked for. levels (steps + 1): of the denoiser. `negative` None: away from no text.

    origin: the time coordinate of the first row, where it is a window of a longer clip. over_steps: the guidance in
    each step, where it changes; `guidance` is then that of the step at hand, see `steered`.
    """

    patches: Patches
    conditioning: Conditioning
    negative: Conditioning | None
    seed: int
    guidance: float
    levels: Tensor
    origin: int = 0
    over_steps: Sequence[float] = ()

    @property
    def away(self) -> Array:
        """The rows (m d) that guidance leads away from."""
        return self.negative.embeds if self.negative else self.conditioning.null


def steered(step: Step, requests: Sequence[Request]) -> Step:
    """A sampler's step, for which each request has the guidance of that step."""

    def taken(state: SamplerState, foresee: Foresee) -> SamplerState:
        for request in requests:
            if request.over_steps:
                request.guidance = request.over_steps[state.step]
        return step(state, foresee)

    return taken


@runtime_checkable
class Denoiser(Protocol):
    """A DiT with all that is its family's own: schedule, guidance, and how it is told what is given."""

    @property
    def objective(self) -> Objective:
        """What a prediction stands for."""

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        """The schedule (steps + 1), from the highest level to 0. shift: of the levels; 0 is the family's own."""

    def starts(self, patches: Patches) -> Tensor:
        """The noise level (n,) that each token is sampled from; 0 where the sampler is to leave it as it is."""

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        """The guided prediction for the requests packed in one row (1 n d), at levels (1 n), or (1 1): one for all.

        The texts are read here, once, and not at every step.
        """


def steady(model: Denoiser, requests: Sequence[Request], skips: Skips | None) -> bool:
    """Whether each step does the same on the device but for its tokens and levels, so that it may be recorded.

    It does not where blocks are skipped, guidance changes, two experts share the way, or weights come block by block.
    """
    changes = bool(skips) or any(one.over_steps for one in requests) or bool(getattr(model, "boundary", 0))
    return not changes and not (isinstance(model, nn.Module) and is_streamed(model))


def denoiser(module: DiT | Denoiser) -> Denoiser:
    """The denoiser that a model handle's module is."""
    return BuiltIn(module) if isinstance(module, DiT) else module


class BuiltIn:
    """Packs any number of clips in one forward; a token's level of 0 says that it is given."""

    def __init__(self, dit: DiT) -> None:
        self._dit = dit

    @property
    def objective(self) -> Objective:
        return self._dit.config.objective

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return levels_for(steps, shift, grids)

    def starts(self, patches: Patches) -> Tensor:
        return torch.as_tensor(patches.noise)

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        clips = [(request, grid) for request in requests for grid in request.patches.grids]
        return guided(
            self._dit,
            torch.cat([grid_coords(*grid, start=request.origin) for request, grid in clips]).to(device),
            _encoded([request.conditioning.embeds for request, _ in clips], device),
            _encoded([request.away for request, _ in clips], device),
            (lambda: _scale(requests, device)) if any(one.over_steps for one in requests) else _scale(requests, device),
            [grid_tokens(grid) for _, grid in clips],
            skips,
        )


def levels_for(steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
    """The schedule (steps + 1); a shift of 0 is the one for the size of the largest clip."""
    return schedule(steps, shift or size_shift(max(map(grid_tokens, grids))))


def _scale(requests: Sequence[Request], device: str) -> float | Tensor:
    """The guidance where all have one, else that of each token (n 1)."""
    scales = [request.guidance for request in requests]
    if len(set(scales)) == 1:
        return scales[0]
    counts = torch.tensor([request.patches.tokens.shape[0] for request in requests])
    return torch.tensor(scales).repeat_interleave(counts)[:, None].to(device)


def _encoded(texts: Sequence[Array], device: str) -> Encoded:
    """Rows (m d) of each clip's text, padded to equal length: (1 clips m d)."""
    length = max(text.shape[0] for text in texts)
    each = [torch.as_tensor(text) for text in texts]
    masks = [torch.ones(len(text), dtype=torch.bool) for text in each]
    padded = [padded_to(length, Encoded(*pair)) for pair in zip(each, masks, strict=True)]
    return Encoded(
        torch.stack([one.text for one in padded])[None].to(device),
        torch.stack([one.mask for one in padded])[None].to(device),
    )
