"""The sampler's costs and errors with the shipped weights: `python -m benchmarks.sampler [table ...]`.

Times are CPU seconds of one thread (time on the clock would measure whatever else runs): the ways of a table take
turns, and the least of some is what a way takes. Errors are |x - x*| / |x*| of the tokens that come out, against those
of the same seed in 100 steps of UniPC, which all the deterministic samplers converge to.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from assets.store import Partial
from assets.values import Patches
from benchmarks.studio import Studio
from nodes.dit.denoiser import Request, levels_for
from nodes.dit.nodes import sample
from nodes.dit.sampling import Packed, sample_together

PROMPTS = (
    "a red ball bouncing on a black background",
    "a small green star moving in a circle on a blue background",
    "a large yellow square moving left on a gray background",
    "a purple triangle moving up on a white background",
)
STEPS = 24


def main(
    tables: Annotated[list[str] | None, typer.Argument(help="Some of: overhead, packing, samplers, skipping.")] = None,
    turns: Annotated[int, typer.Option(help="Turns that each way gets.", min=1)] = 3,
    clips: Annotated[int, typer.Option(help="Clips to average errors over.", min=1, max=len(PROMPTS))] = 4,
) -> None:
    """Measure the sampler."""
    torch.set_num_threads(1)
    bench = Bench(turns, clips)
    for name in tables or ("overhead", "packing", "samplers", "skipping"):
        Console().print(getattr(bench, name)(), "")


@dataclass
class Keeping(Studio):
    """A studio whose sampler writes every step down, as in a run."""

    partial: Partial = field(kw_only=True)

    def keep(self, state: dict[str, Any]) -> None:
        self.partial.append(state)


class Bench:
    def __init__(self, turns: int, clips: int) -> None:
        self.turns, self.clips = turns, clips
        self.studio = Studio()
        self.model = self.studio.model(self.studio.dit)
        self.canvas = self.studio.canvas()
        self.texts = [self.studio.read(prompt) for prompt in PROMPTS]
        self.exact: dict[int, Tensor] = {}

    def overhead(self) -> Table:
        """A run of 24 steps at guidance 4, beside the forwards that it cannot do without."""
        packed, level = self._packed(guidance=4.0), torch.full((1, self.canvas.tokens.shape[0]), 0.5)
        alone = self._packed(guidance=1.0)
        x = packed.state.x
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            keeping = Keeping(_loaded=self.studio._loaded, partial=Partial(Path(folder) / "steps"))
            seconds = self._in_turns(
                {
                    "bare forwards, both branches in one": lambda: repeat(lambda: packed.foresee(x, level)),
                    "the sampler node": lambda: self._sample(0),
                    "the sampler node, steps written down": lambda: self._sample(0, keeping),
                    "forwards, text read at each": lambda: repeat(lambda: self._packed(4.0).foresee(x, level)),
                    "forwards, a branch at a time": lambda: repeat(lambda: alone.foresee(x, level), 2 * STEPS),
                    "forwards, no guidance": lambda: repeat(lambda: alone.foresee(x, level)),
                }
            )
        return compared("24 steps of 17 frames, 64 x 64", seconds)

    def packing(self) -> Table:
        """Requests of 6 steps, one after the other and in one row."""
        small, wide, still = self.canvas, self.studio.canvas(48, 80), self.studio.canvas(frames=1)
        mixes = {
            "4 clips alike": [small] * 4,
            "2 clips and 2 wide ones": [small, wide, small, wide],
            "8 images": [still] * 8,
        }
        table = Table("requests", "apart: s", "packed: s", "packed / apart", "largest difference", box=None)
        for name, canvases in mixes.items():
            requests = [self._request(canvas, number, 4.0, 6) for number, canvas in enumerate(canvases)]
            seconds = self._in_turns(
                {"apart": partial(self._apart, requests), "packed": partial(self._together, requests)}
            )
            apart, packed = self._apart(requests), self._together(requests)
            off = max(float((a - b).abs().max()) for a, b in zip(apart, packed, strict=True))
            share = seconds["packed"] / seconds["apart"]
            table.add_row(name, f"{seconds['apart']:.2f}", f"{seconds['packed']:.2f}", f"{share:.2f}", f"{off:.1e}")
        return table

    def samplers(self) -> Table:
        """The error of each deterministic sampler for the forwards that it takes."""
        counts = (6, 12, 24, 48)
        table = Table("sampler", *(f"{count} forwards" for count in counts), box=None)
        for sampler in ("euler", "heun", "dpm++2m", "unipc"):
            errors = [
                self._error(steps=count // 2 + 1 if sampler == "heun" else count, sampler=sampler) for count in counts
            ]
            table.add_row(sampler, *(f"{error:.3f}" for error in errors))
        return table

    def skipping(self) -> Table:
        """Lossy skipping of 24 steps, beside as many plain steps as it ran the blocks."""
        table = Table("lossy_skip", "blocks run", "s a clip", "error", "error of so many plain steps", box=None)
        for sampler in ("euler", "unipc"):
            for threshold in (0.0, 0.1, 0.2, 0.4, 0.8):
                started = time.thread_time()
                error, ran = self._error_and_runs(steps=STEPS, sampler=sampler, lossy_skip=threshold)
                seconds = (time.thread_time() - started) / self.clips
                plain = self._error(steps=round(ran), sampler=sampler)
                row = (f"{ran:.1f}", f"{seconds:.2f}", f"{error:.3f}", f"{plain:.3f}")
                table.add_row(f"{sampler} {threshold:g}", *row)
        return table

    def _error(self, **widgets: Any) -> float:
        return self._error_and_runs(**widgets)[0]

    def _error_and_runs(self, **widgets: Any) -> tuple[float, float]:
        """Mean over the prompts: the relative error, and how often the blocks were run."""
        runs: list[int] = []
        hook = self.model.blocks[0].register_forward_pre_hook(lambda *_: runs.append(1))
        made = [self._sample(number, **widgets) for number in range(self.clips)]
        hook.remove()
        for number in range(self.clips):
            if number not in self.exact:
                self.exact[number] = self._sample(number, steps=100, sampler="unipc")
        errors = [float((one - self.exact[n]).norm() / self.exact[n].norm()) for n, one in enumerate(made)]
        return sum(errors) / len(errors), len(runs) / self.clips

    def _sample(self, number: int, ctx: Studio | None = None, **widgets: Any) -> Tensor:
        text, widgets = self.texts[number], {"steps": STEPS, "seed": number, **widgets}
        made = sample(self.studio.dit, self.canvas, text, ctx=ctx or self.studio, **widgets)
        return torch.as_tensor(made.patches.tokens)

    def _request(self, canvas: Patches, number: int, guidance: float, steps: int = STEPS) -> Request:
        text = self.texts[number % len(PROMPTS)]
        return Request(canvas, text, None, number, guidance, levels_for(steps, 1.0, canvas.grids))

    def _packed(self, guidance: float) -> Packed:
        return Packed(self.model, [self._request(self.canvas, 0, guidance)], "cpu")

    def _apart(self, requests: list[Request]) -> list[Tensor]:
        return [self._together([one])[0] for one in requests]

    def _together(self, requests: list[Request]) -> list[Tensor]:
        return [torch.as_tensor(patches.tokens) for patches, _ in sample_together(self.model, requests, "euler")]

    def _in_turns(self, ways: Mapping[str, Callable[[], object]]) -> dict[str, float]:
        """The least CPU seconds of each way."""
        least = dict.fromkeys(ways, float("inf"))
        for _ in range(self.turns):
            for name, way in ways.items():
                started = time.thread_time()
                way()
                least[name] = min(least[name], time.thread_time() - started)
        return least


def repeat(forward: Callable[[], object], times: int = STEPS) -> None:
    for _ in range(times):
        forward()


def compared(title: str, seconds: Mapping[str, float]) -> Table:
    """Seconds of each way, and how much more than those of the first it takes."""
    table = Table(title, "s", "more than the first", box=None)
    first = next(iter(seconds.values()))
    for name, took in seconds.items():
        table.add_row(name, f"{took:.3f}", f"{100 * (took / first - 1):+.1f} %")
    return table


if __name__ == "__main__":
    typer.run(main)
