"""What each lossy lever loses and gains, beside plain steps of the shipped DiT: `python -m benchmarks.levers`.

A lever pays where its result is nearer to the exact one than as many plain steps are as take the same time. Error is
|x - x*| / |x*| of the tokens that come out, against those of the same seed in 100 steps of UniPC, the mean of some
clips. Times are CPU seconds of one thread, or of the clock on a CUDA device. A CPU multiplies float8 no faster: for it,
what counts is how many plain steps are as far off, which says how fast a device has to do it to be worth it.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from benchmarks.sampler import PROMPTS, STEPS
from benchmarks.studio import Studio
from nodes.dit.nodes import sample
from nodes.families.formats.multiplied import require_float8
from nodes.families.formats.precision import multiply_in_float8, store_as_float8

LEVERS: dict[str, tuple[Callable[[nn.Module], None] | None, dict[str, Any]]] = {
    "lossy_skip 0.05": (None, {"lossy_skip": 0.05}),
    "lossy_skip 0.1": (None, {"lossy_skip": 0.1}),
    "lossy_skip 0.2": (None, {"lossy_skip": 0.2}),
    "float8 storage": (store_as_float8, {}),
    "float8 matmul": (multiply_in_float8, {}),
    "float8 matmul, lossy_skip 0.1": (multiply_in_float8, {"lossy_skip": 0.1}),
}
"""Of the model, and of the sampler."""


def main(
    clips: Annotated[int, typer.Option(help="Clips to average over.", min=1, max=len(PROMPTS))] = 2,
    sampler: str = "unipc",
    device: str = "cuda" if torch.cuda.is_available() else "cpu",
) -> None:
    """Measure the lossy levers against fewer plain steps."""
    torch.set_num_threads(1)
    require_float8(device)
    bench = Bench(clips, sampler, device)
    seconds, error = bench.plain(STEPS)
    table = Table("", "s a clip", "error", "plain steps in that time", "their error", "plain steps as far off")
    table.add_row(f"{STEPS} plain steps", f"{seconds:.2f}", f"{error:.3f}", str(STEPS), f"{error:.3f}", str(STEPS))
    for name, (change, widgets) in LEVERS.items():
        seconds, error = bench.made(change, STEPS, **widgets)
        table.add_row(name, f"{seconds:.2f}", f"{error:.3f}", *bench.beside(seconds, error))
    console = Console()
    console.print(table)
    console.print(f"{sampler}, {STEPS} steps, guidance 4, mean of {clips}; {device}.")


class Bench:
    def __init__(self, clips: int, sampler: str, device: str) -> None:
        self.clips, self.sampler = clips, sampler
        self.studio = Studio(device=device)
        self.whole = self.studio.model(self.studio.dit)
        self.canvas = self.studio.canvas()
        self.texts = [self.studio.read(prompt) for prompt in PROMPTS[:clips]]
        self.exact = [self._sample(number, steps=100, sampler="unipc") for number in range(clips)]
        self.plain = cache(self._plain)

    def made(self, change: Callable[[nn.Module], None] | None, steps: int, **widgets: Any) -> tuple[float, float]:
        """Seconds and error of a clip, through the model or what a lever changes it to."""
        module = copy.deepcopy(self.whole) if change else self.whole
        if change:
            change(module)
        self.studio._loaded[self.studio.dit.digest] = module
        widgets = {"steps": steps, "sampler": self.sampler, **widgets}
        self._sample(0, **{**widgets, "steps": 2})  # what comes once
        started = self._now()
        made = [self._sample(number, **widgets) for number in range(self.clips)]
        seconds = (self._now() - started) / self.clips
        errors = [float((one - exact).norm() / exact.norm()) for one, exact in zip(made, self.exact, strict=True)]
        return seconds, sum(errors) / len(errors)

    def beside(self, seconds: float, error: float) -> tuple[str, str, str]:
        """How many plain steps take so long, and are how far off; and how many are so far off."""
        counts = range(4, STEPS + 1)
        in_time = max((count for count in counts if self.plain(count)[0] <= seconds), default=counts[0])
        as_far = min((count for count in counts if self.plain(count)[1] <= error), default=STEPS)
        more = f"over {STEPS}" if in_time == STEPS and seconds > 1.1 * self.plain(STEPS)[0] else str(in_time)
        return more, f"{self.plain(in_time)[1]:.3f}", str(as_far)

    def _plain(self, steps: int) -> tuple[float, float]:
        return self.made(None, steps)

    def _sample(self, number: int, **widgets: Any) -> Tensor:
        made = sample(self.studio.dit, self.canvas, self.texts[number], ctx=self.studio, seed=number, **widgets)
        return torch.as_tensor(made.patches.tokens)

    def _now(self) -> float:
        if self.studio.device == "cpu":
            return time.thread_time()
        torch.cuda.synchronize()
        return time.perf_counter()


if __name__ == "__main__":
    typer.run(main)
