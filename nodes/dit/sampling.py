"""Requests to the sampler, packed: clips of different size, text and seed go through the DiT in one row.

Each comes out as if it had been sampled alone, to rounding (1e-5): clips attend to themselves only, and everything that
is random is drawn for a request by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from assets.values import Patches, Trajectory
from nodes.dit.config import Sampler
from nodes.dit.denoiser import Denoiser, Request, denoiser, steady
from nodes.dit.model import DiT
from nodes.dit.objectives import foreseen
from nodes.dit.samplers import Foresee, SamplerState, begin, solver
from nodes.dit.skipping import Skips
from nodes.dit.steps import Way
from nodes.levers import Levered


def sample_together(
    dit: DiT | Denoiser,
    requests: Sequence[Request],
    sampler: Sampler,
    device: str = "cpu",
    steps: Callable[[int], Iterable[int]] = range,
) -> list[tuple[Patches, Trajectory]]:
    """What the sampler node makes of each request, by one forward a step for all of them.

    They must agree in the number of steps. steps: counts them, as `Context.steps` does.
    """
    with torch.inference_mode():
        packed = Packed(dit, requests, device)
        state, step = packed.state, solver(sampler, packed.draw)
        firsts, ways = packed.split(state.x), [Way() for _ in requests]
        for _ in steps(state.steps):
            state = step(state, packed.foresee)
            for way, x, clean in zip(ways, packed.split(state.x), packed.split(state.clean), strict=True):
                way.append((x, clean))
    return [finished(request, first, way, sampler) for request, first, way in zip(requests, firsts, ways, strict=True)]


class Packed:
    """Requests of the same number of steps as one row (1 n d); `split` takes it apart again.

    state: before the first step. foresee: what the DiT makes of it, guided. draw: for a sampler that adds noise.
    levers: what makes it faster there.
    """

    def __init__(
        self, dit: DiT | Denoiser, requests: Sequence[Request], device: str, skips: Skips | None = None
    ) -> None:
        self.requests = requests
        self.counts = [request.patches.tokens.shape[0] for request in requests]
        model = denoiser(dit)
        alike = steady(model, requests, skips)
        self.levers = predict = Levered(model.predictor(requests, device, skips), device, alike)
        self.state: SamplerState = begin(
            self._row([torch.as_tensor(request.patches.tokens) for request in requests]).to(device),
            self._row([model.starts(request.patches) for request in requests]).to(device),
            self._row([_first_noise(request) for request in requests]).to(device),
            self._levels(),
            model.objective,
        )
        even = self.state.schedule.ndim == 1 and bool((self.state.noise == self.state.noise[0, 0]).all())
        # One level for all tokens: it is embedded once, and not once a token.
        levels = (lambda x, t: predict(x, t[:, :1])) if even else predict
        self.foresee: Foresee = foreseen(model.objective, levels)

    def draw(self, step: int) -> Tensor:
        """The noise that is added in a step, (1 n d), on the CPU: a seed means the same noise on every device."""
        return self._row([_noise(f"{one.seed} {step}", one.patches.tokens.shape) for one in self.requests])

    def split(self, row: Tensor) -> list[Tensor]:
        """(1 n d) -> for each request its own (n d), on the CPU."""
        return list(torch.split(row[0].cpu(), self.counts))

    def _row(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts))[None]

    def _levels(self) -> Tensor:
        """(steps + 1) where all schedules are alike, else (steps + 1, n)."""
        levels = [request.levels for request in self.requests]
        if all(torch.equal(one, levels[0]) for one in levels):
            return levels[0]
        if len({len(one) for one in levels}) > 1:
            got = ", ".join(str(len(one) - 1) for one in levels)
            raise ValueError(f"Got requests of {got} steps; needs one number for all in a row. Sample them apart.")
        return torch.stack(levels, dim=1).repeat_interleave(torch.tensor(self.counts), dim=1)


def finished(request: Request, first: Tensor, way: Way, sampler: Sampler) -> tuple[Patches, Trajectory]:
    """The result of a request and the way to it, from its first tokens (n d).

    Of a way that stops early the result is what was foreseen last, clean, as that of a whole one is.
    """
    asked = request.patches
    canvas, noise = torch.as_tensor(asked.tokens), torch.as_tensor(asked.noise)
    layout = (asked.grids, asked.patch, asked.space, asked.fps, asked.beside, asked.lead)
    states, predictions = torch.stack([first, *(x for x, _ in way)]), torch.stack([clean for _, clean in way])
    trajectory = Trajectory(states, predictions, request.levels.float(), noise, canvas, sampler, *layout)
    end = states[-1] if trajectory.spec.left == 0 else predictions[-1]
    return replace(asked, tokens=end, noise=torch.zeros_like(noise), beside={}), trajectory


def remaining(levels: Tensor, done: int, steps: int) -> Tensor:
    """A schedule's levels (n + 1) up to `done`, and from there to its end in `steps` steps (0: in those it has).

    With another number the levels between are read off the line through those that it has.
    """
    levels, last = levels.double(), len(levels) - 1
    if steps in (0, last - done):
        return levels
    places = torch.linspace(done, last, steps + 1, dtype=torch.float64)
    below = places.floor().long().clamp(max=last - 1)
    rest = torch.lerp(levels[below], levels[below + 1], places - below)
    return torch.cat([levels[:done], rest])


def _first_noise(request: Request) -> Tensor:
    generator = torch.Generator().manual_seed(request.seed)
    return torch.randn(request.patches.tokens.shape, generator=generator)


def _noise(name: str, shape: torch.Size) -> Tensor:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
