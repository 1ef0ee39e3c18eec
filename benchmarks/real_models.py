"""Real weights' step beside the reference pipeline's, on random weights: `python -m benchmarks.real_models`.

Both take turns on one transformer of Wan's, from the same noise and text, with guidance: two forwards a step. Times are
of this process's CPU, or of the clock on an accelerator, and what is reported is the median of all steps of all turns;
the ratio is the median of the turns', in each of which the two come one after the other, now this one first, now that.

The full shape (1.4 billion weights, 5.7 GB in float32) ends within minutes on one thread where the clip is small:

    OMP_NUM_THREADS=1 python -m benchmarks.real_models "Wan 1.3B" --frames 1 --height 64 --width 64 --steps 2

With `--compiled inductor`, the default where there is a CUDA device and Triton, also with compiled blocks, beside the
reference as it is. With `--skip .1`, also what that `lossy_skip` loses and gains, against as many plain steps as it
runs all blocks.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from diffusers import UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from rich.console import Console
from rich.table import Table
from torch import Tensor

from assets.values import Conditioning, Patches
from nodes.compiling import as_they_are, compile_blocks
from nodes.dit.denoiser import Request
from nodes.dit.samplers import solver
from nodes.dit.sampling import Packed
from nodes.dit.skipping import Skips
from nodes.families.wan.model import WanDiT
from nodes.patches.layout import patchify, unpatchify
from nodes.streaming import repeated_blocks
from pipelines.executors.memory import PeakMemory
from pipelines.executors.models import compiler

TEXT_WIDTH = 4096
SKIPPING_STEPS = 24
SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {"num_attention_heads": 2, "attention_head_dim": 24, "ffn_dim": 128, "num_layers": 4},
    "tiny, deeper": {"num_attention_heads": 2, "attention_head_dim": 24, "ffn_dim": 128, "num_layers": 8},
    "Wan 1.3B": {"num_attention_heads": 12, "attention_head_dim": 128, "ffn_dim": 8960, "num_layers": 30},
}


@dataclass(frozen=True)
class Size:
    frames: int
    height: int
    width: int

    @property
    def latent(self) -> tuple[int, int, int, int, int]:
        return 1, 16, 1 + (self.frames - 1) // 4, self.height // 8, self.width // 8

    @property
    def grid(self) -> tuple[int, int, int]:
        _, _, t, h, w = self.latent
        return t, h // 2, w // 2


@dataclass
class Steps:
    """Seconds of each step of some runs."""

    now: Callable[[], float]
    seconds: list[float] = field(default_factory=list)

    def counted(self, total: int) -> Iterator[int]:
        for step in range(total):
            begun = self.now()
            yield step
            self.seconds.append(self.now() - begun)

    def run(self, steps: int) -> float:
        """The seconds of the last run, of so many steps."""
        return sum(self.seconds[-steps:])


def main(
    shapes: Annotated[list[str] | None, typer.Argument(help="Some of: tiny, 'Wan 1.3B'.")] = None,
    steps: Annotated[int, typer.Option(help="Steps of a run.", min=2)] = 4,
    turns: Annotated[int, typer.Option(help="Runs that each way gets.", min=1)] = 3,
    frames: int = 9,
    height: int = 128,
    width: int = 128,
    device: str = "cuda" if torch.cuda.is_available() else "cpu",
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    compiled: Annotated[str, typer.Option(help="Also with blocks compiled by this backend; empty: not.")] = "",
    skip: Annotated[float, typer.Option(help="A lossy_skip to measure; 0: none.", min=0)] = 0,
) -> None:
    """Measure a sampling step of Wan's transformer through our sampler and through the reference pipeline."""
    compiled = compiled or compiler(device, "wan")
    columns = ("tokens", "reference, s a step", "ours, s a step", "ratio", "largest difference", "our peak")
    table = Table("transformer", *columns)
    said: list[str] = []
    lossy = Table("transformer", "steps", "run in whole", "s", "error", "so many plain steps, s", "error")
    for shape in shapes or list(SHAPES):
        with tempfile.TemporaryDirectory() as folder:
            asked = Path(folder), shape, Size(frames, height, width), steps, turns, device, dtype
            for backend in dict.fromkeys(["", compiled]):
                *row, levers = measured(*asked, backend)
                table.add_row(f"{shape}, {backend}" if backend else shape, *row)
                said.append(f"{shape}: {levers}")
            if skip:
                size = Size(frames, height, width)
                lossy.add_row(shape, *measured_skip(WanDiT(Path(folder)).to(device), size, skip, device))
    console = Console()
    console.print(table)
    if skip:
        console.print(lossy)
    console.print("Levers that were on.", *said, sep="\n")
    console.print(f"{device}, {dtype}; no unconditional forward at scale 1. Peak: of a turn, weights aside.")


def measured(
    folder: Path, shape: str, size: Size, steps: int, turns: int, device: str, dtype: str, backend: str
) -> tuple[str, ...]:
    write(folder, shape, getattr(torch, dtype))
    ours = WanDiT(folder).to(device)
    made = compile_blocks(ours, backend) if backend else None
    compiled = {block: block.forward for block in repeated_blocks(ours, alike=True)} if made else {}
    on: list[str] = []
    peaks: list[int] = []
    reference = WanPipeline(
        tokenizer=None, text_encoder=None, vae=None, transformer=ours.experts[0], scheduler=scheduler()
    )
    reference.set_progress_bar_config(disable=True)
    now = clock(device)
    torch.manual_seed(0)
    text, null = torch.randn(24, TEXT_WIDTH), torch.randn(1, TEXT_WIDTH)
    noise = unpatchify(asked(ours, size, text, null, steps, device).state.x, size.grid, ours.patch)
    theirs, own = Steps(now), Steps(now)
    difference, ratios = 0.0, list[float]()

    def their_way() -> Tensor:
        as_they_are(ours)
        latent = run_reference(reference, noise, text, null, size, steps, theirs)
        return patchify(latent.float().cpu(), ours.patch)[0]

    def our_way() -> Tensor:
        for block, call in compiled.items():
            block.forward = call
        packed = asked(ours, size, text, null, steps, device)
        with PeakMemory(device) as memory:
            tokens = run_ours(packed, own)
        peaks.append(memory.grown)
        on[:] = filter(None, ["text once a run", str(made or ""), str(packed.levers)])
        return tokens

    ways: list[Callable[[], Tensor]] = [their_way, our_way]
    if made:
        our_way()  # compiles
        own.seconds.clear()
    for turn in range(turns):
        one, other = (way() for way in (ways if turn % 2 == 0 else reversed(ways)))
        difference = max(difference, float((one - other).abs().max()))
        ratios.append(own.run(steps) / theirs.run(steps))
        print(f"{shape}, turn {turn + 1}: {theirs.run(steps):.2f} s, ours {own.run(steps):.2f} s", file=sys.stderr)
    ratio = statistics.median(ratios)
    times = (f"{seconds:.3f}" for seconds in (*(statistics.median(each.seconds) for each in (theirs, own)), ratio))
    peak = f"{max(peaks) / 1e9:.2f} GB" if max(peaks) else "unknown"
    return (str(math.prod(size.grid)), *times, f"{difference:.1e}", peak, ", ".join(on) or "none")


def measured_skip(model: WanDiT, size: Size, threshold: float, device: str) -> tuple[str, ...]:
    """Errors are those of the tokens to twice as many plain steps, relative."""
    torch.manual_seed(0)
    text, null = torch.randn(24, TEXT_WIDTH), torch.randn(1, TEXT_WIDTH)

    def made(steps: int, skips: Skips | None = None) -> tuple[Tensor, float, int]:
        ran: list[int] = []
        block = model.experts[0].blocks[-1].attn1.to_q  # type: ignore[union-attr, index]
        hook = block.register_forward_hook(lambda *_: ran.append(1))
        into = Steps(clock(device))
        tokens = run_ours(asked(model, size, text, null, steps, device, skips), into)
        hook.remove()
        return tokens, sum(into.seconds), len(ran) // 2

    exact, *_ = made(2 * SKIPPING_STEPS)
    skipped, seconds, whole = made(SKIPPING_STEPS, Skips(threshold))
    fewer, plain_seconds, _ = made(max(2, whole))
    errors = (float((tokens - exact).norm() / exact.norm()) for tokens in (skipped, fewer))
    with_skips, plain = (f"{error:.4f}" for error in errors)
    return str(SKIPPING_STEPS), str(whole), f"{seconds:.2f}", with_skips, f"{plain_seconds:.2f}", plain


def write(folder: Path, shape: str, dtype: torch.dtype) -> None:
    """As much of a Wan folder as its transformer needs, with random weights."""
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), in_channels=16, out_channels=16, text_dim=TEXT_WIDTH, freq_dim=256,
        cross_attn_norm=True, qk_norm="rms_norm_across_heads", **SHAPES[shape],
    )  # fmt: skip
    transformer.to(dtype).save_pretrained(folder / "transformer")
    scheduler().save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(
        '{"_class_name": "WanPipeline", "transformer": ["diffusers", "WanTransformer3DModel"]}'
    )


def scheduler() -> UniPCMultistepScheduler:
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
    )


def run_reference(
    pipeline: WanPipeline, noise: Tensor, text: Tensor, null: Tensor, size: Size, steps: int, into: Steps
) -> Tensor:
    counted = into.counted(steps)
    device, dtype = pipeline.transformer.device, pipeline.transformer.dtype

    def padded(rows: Tensor) -> Tensor:
        return torch.nn.functional.pad(rows, (0, 0, 0, 512 - len(rows)))[None].to(device, dtype)

    def ended(*_: object) -> dict[str, Tensor]:
        next(counted, None)
        return {}

    next(counted)
    latent: Tensor = pipeline(
        latents=noise.to(device), prompt_embeds=padded(text), negative_prompt_embeds=padded(null),
        num_frames=size.frames, height=size.height, width=size.width, num_inference_steps=steps, guidance_scale=5.0,
        output_type="latent", callback_on_step_end=ended,
    ).frames  # fmt: skip
    return latent


def asked(
    model: WanDiT, size: Size, text: Tensor, null: Tensor, steps: int, device: str, skips: Skips | None = None
) -> Packed:
    """What our sampler is asked for: all of a canvas, from the noise of seed 0."""
    tokens = torch.zeros(math.prod(size.grid), 64)
    canvas = Patches(tokens, torch.ones(len(tokens)), (size.grid,), model.patch, "wan-16", 16.0)
    conditioning = Conditioning(text, tuple("word" for _ in text), null, "wan")
    request = Request(canvas, conditioning, None, 0, 5.0, model.levels(steps, 0, [size.grid]))
    with torch.inference_mode():
        return Packed(model, [request], device, skips)


def run_ours(packed: Packed, into: Steps) -> Tensor:
    """Tokens (n d) that our sampler makes."""
    with torch.inference_mode():
        state, step = packed.state, solver("unipc", packed.draw)
        for _ in into.counted(state.steps):
            state = step(state, packed.foresee)
    return state.x[0].cpu()


def clock(device: str) -> Callable[[], float]:
    """Seconds of this process's CPU; on an accelerator of the clock, once it has done what it was given."""
    if device == "cpu":
        return time.process_time

    def now() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return now


if __name__ == "__main__":
    typer.run(main)
