"""Memory and time from a latent to an mp4, against the number of frames: `python -m benchmarks.decode [--side 64]`.

Three ways, each in a process of its own: all latent frames decoded in one forward; the nodes decode and save, which
decode in chunks but hold the clip; and the node that decodes and saves, which writes each chunk and drops it. Memory
is the process's peak above what it held before, with the model loaded and one short clip made.

Then large frames in blended tiles, against whole ones: memory, and what is lost, on a sample clip made larger.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import assets
from assets.files import Files
from assets.media import read_clip, write_clip
from assets.values import Clip, Latent, ModelHandle, VideoVAE
from nodes.context import Workflow
from nodes.media.nodes import save_clip
from nodes.models import load
from nodes.models.handles import builtin
from nodes.video_vae.nodes import decode_latent, encode_video, save_latent
from pipelines.executors.memory import PeakMemory, give_back

FRAMES = (17, 65, 257, 1025)
TILES = (0, 64, 128, 192, 256)
LARGE = 512
SAMPLE = Path(assets.__file__).parent / "samples" / "ball.mp4"


def main(side: Annotated[int, typer.Option(help="Height and width in pixels.", min=8)] = 64) -> None:
    """Measure decoding and saving."""
    table = Table("frames", *(f"{way}: MiB" for way in WAYS), *(f"{way}: s" for way in WAYS), box=None)
    processes = multiprocessing.get_context("spawn")
    for frames in FRAMES:
        with processes.Pool(1, maxtasksperchild=1) as fresh:
            found = [fresh.apply(measure, (way, frames, side)) for way in WAYS]
        table.add_row(
            str(frames),
            *(f"{peak / 2**20:.0f}" for peak, _ in found),
            *(f"{seconds:.2f}" for _, seconds in found),
        )
    Console().print(table)

    table = Table("tile", "MiB", "s", "mean error of 255", "largest", "dB to the clip", box=None)
    for tile in TILES:
        with processes.Pool(1, maxtasksperchild=1) as fresh:
            peak, seconds, mean, largest, near = fresh.apply(measure_tiles, (tile,))
        memory = (f"{peak / 2**20:.0f}", f"{seconds:.2f}")
        table.add_row(str(tile or "whole"), *memory, f"{mean:.4f}", f"{largest:.0f}", f"{near:.2f}")
    Console().print(f"{LARGE}x{LARGE}, 9 frames, in tiles", table, sep="\n")


def measure_tiles(tile: int) -> tuple[int, float, float, float, float]:
    """Peak bytes above those held before, seconds, mean and largest error to whole frames, and dB to the clip."""
    vae, resident = builtin(VideoVAE), Resident()
    small = read_clip(SAMPLE)
    frames = [cv2.resize(frame, (LARGE, LARGE), interpolation=cv2.INTER_CUBIC) for frame in small.frames[:9]]
    clip = Clip(np.stack(frames), small.fps)
    latent = encode_video(vae, clip, ctx=resident)
    decode_latent(vae, noise(vae, 17, 64), ctx=resident)
    give_back()  # what encoding freed is not to count as there
    with PeakMemory("cpu") as before:
        started = time.process_time()
    with PeakMemory("cpu") as during:
        made = decode_latent(vae, latent, ctx=resident, lossy_tile=tile)
    seconds = time.process_time() - started
    error = np.abs(made.frames.astype(float) - decode_latent(vae, latent, ctx=resident).frames)
    off = np.square(made.frames.astype(float) - clip.frames).mean()
    return during.peak - before.peak, seconds, error.mean(), error.max(), 10 * np.log10(255**2 / off)


def measure(way: str, frames: int, side: int) -> tuple[int, float]:
    """Peak bytes above those held before, and seconds."""
    make, vae, resident = WAYS[way], builtin(VideoVAE), Resident()
    with tempfile.TemporaryDirectory() as folder:
        files = Files((), Path(folder))
        make(vae, noise(vae, 17, 64), resident, files)
        latent = noise(vae, frames, side)
        with PeakMemory("cpu") as before:
            started = time.perf_counter()
        with PeakMemory("cpu") as during:
            make(vae, latent, resident, files)
    return during.peak - before.peak, time.perf_counter() - started


class Resident:
    """What nodes ask of a run: one loaded model, and steps that nobody watches."""

    device = "cpu"

    def __init__(self) -> None:
        self._loaded: dict[ModelHandle, Any] = {}

    def steps(self, total: int, done: int = 0) -> Iterator[int]:
        yield from range(done, total)

    def model(self, handle: ModelHandle) -> Any:
        if handle not in self._loaded:
            self._loaded[handle] = load(handle, self.device)
        return self._loaded[handle]


def noise(vae: VideoVAE, frames: int, side: int) -> Latent:
    """A latent of that many frames: its content is nothing, its cost is that of any other."""
    time_, high, wide = vae.stride
    shape = (vae.channels, 1 + (frames - 1) // time_, side // high, side // wide)
    return Latent(np.random.default_rng(0).normal(size=shape).astype(np.float32), vae.space, 8.0)


def whole(vae: VideoVAE, latent: Latent, resident: Any, files: Files) -> None:
    import torch

    pixels = resident.model(vae).decode(torch.as_tensor(latent.data)[None])[0]
    frames = ((pixels + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).numpy()
    write_clip(Clip(frames, latent.fps), files.target("clip.mp4"))


def decode_then_save(vae: VideoVAE, latent: Latent, resident: Any, files: Files) -> None:
    clip = decode_latent(vae, latent, ctx=resident)
    save_clip(clip, files=files, workflow=Workflow(), file="clip.mp4", quality=90)


def streamed(vae: VideoVAE, latent: Latent, resident: Any, files: Files) -> None:
    save_latent(vae, latent, ctx=resident, files=files, workflow=Workflow(), file="clip.mp4", quality=90)


WAYS = {"whole": whole, "chunks, then save": decode_then_save, "streamed": streamed}

if __name__ == "__main__":
    typer.run(main)
