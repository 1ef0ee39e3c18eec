"""What it costs to keep values: `python -m benchmarks.store [--clip FILE ...] [--frames 49] [--workflow NAME]`.

Clips raw and compressed side by side; small values as rows and as files; and what hashing adds to a workflow.
In brackets the processor time, which says more on a machine that is busy with other things.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import assets
import pipelines
from assets.codec import Encoded, blob_digest, encode, encoded
from assets.files import Files
from assets.media import read_clip
from assets.store import Made, Store
from assets.store.blobs import Blobs
from assets.store.packing import pack, unpack
from assets.values import Latent
from pipelines.document import load
from pipelines.executors.local import LocalExecutor

SAMPLES = Path(assets.__file__).parent / "samples"
LIBRARY = Path(pipelines.__file__).parent / "library"
REPEATS = 5
console = Console(width=120)


def main(
    clip: Annotated[list[Path] | None, typer.Option(help="Clips to keep; else the shipped samples.")] = None,
    frames: Annotated[int, typer.Option(help="Frames of each clip at most.")] = 49,
    workflow: Annotated[str, typer.Option(help="Shipped workflow whose hashing is measured; '' for none.")] = "",
) -> None:
    """Measure the store on this machine's disk."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        clips(Path(folder), clip or sorted(SAMPLES.glob("*.mp4")), frames)
        rows_and_files(Path(folder))
        if workflow:
            hashing(Path(folder), workflow)


def clips(folder: Path, paths: list[Path], frames: int) -> None:
    """Write with a sync, read with a check of the digest; both ways take what the encoder makes of the clip."""
    table = Table("clip", "way", "write ms", "read ms", "MB", "of raw", box=None)
    for path in paths:
        data = encode(read_clip(path, frames=frames))
        for way, to_disk, from_disk in (("raw", bytes, bytes), ("packed", pack, unpack)):
            write, read, size = on_disk(folder / "clips", data, to_disk, from_disk)
            share = f"{size / len(data):.0%}"
            table.add_row(path.name, way, str(write), str(read), f"{size / 1e6:.2f}", share)
    console.print(table)


def on_disk(
    folder: Path, data: bytes, to_disk: Callable[[bytes], bytes], from_disk: Callable[[bytes], bytes]
) -> tuple["Cost", "Cost", int]:
    """Milliseconds to write and to read a blob, and its bytes on disk."""
    blobs, digest = Blobs(folder), blob_digest(data)

    def read() -> None:
        assert blob_digest(from_disk(blobs.read(digest))) == digest

    write = median([lambda: blobs.place(blobs.stage(to_disk(data)), digest)] * REPEATS)
    return write, median([read] * REPEATS), blobs.size(digest)


def rows_and_files(folder: Path) -> None:
    """Values as the store keeps them, in a row up to 64 KiB, and their bytes in a synced file each."""
    table = Table("value KiB", "in the store ms", "as a file ms", box=None)
    store, blobs = Store(folder / "rows"), Blobs(folder / "files")
    random = np.random.default_rng(0)
    for side in (4, 32, 64, 120, 160):
        latents = [Latent(random.random((1, 1, side, side), np.float32), "loom-16", 8.0) for _ in range(REPEATS)]
        made = [encoded(latent) for latent in latents]
        row = median([partial(store.keep, [Made(one.digest, "n", {"latent": one}, 1.0, "cpu")]) for one in made])
        file = median([partial(to_file, blobs, one) for one in made])
        table.add_row(f"{len(made[0].data) / 1024:.1f}", str(row), str(file))
    store.close()
    console.print(table)


def to_file(blobs: Blobs, made: Encoded) -> None:
    blobs.place(blobs.stage(made.data), made.digest)


def hashing(folder: Path, workflow: str) -> None:
    """Encoding and hashing of what each node of a workflow made, beside the time that the node took."""
    table = Table("node", "took s", "encode and hash ms", "MB", "of it", box=None)
    store = Store(folder / "run")
    executor = LocalExecutor(store, Files((), folder))
    summary = executor.wait(executor.submit(load(LIBRARY / f"{workflow}.loom.json")))
    executor.close()
    assert not summary.failed, summary.failed
    spent = 0.0
    for action in reversed(store.entries()):
        values = [store.get(digest) for digest in action.outputs.values()]
        cost = median([lambda values=values: [encoded(value) for value in values]] * REPEATS)
        spent += cost.clock / 1000
        size = sum(len(encode(value)) for value in values) / 1e6
        share = f"{cost.clock / 10 / action.seconds:.2f} %"
        table.add_row(action.node_type, f"{action.seconds:.2f}", str(cost), f"{size:.2f}", share)
    store.close()
    console.print(table)
    console.print(f"{spent / summary.seconds:.2%} of the run of {summary.seconds:.1f} s")


def median(acts: Sequence[Callable[[], object]]) -> "Cost":
    spent: list[tuple[float, float]] = []
    for act in acts:
        clock, processor = time.perf_counter(), time.process_time()
        act()
        spent.append((time.perf_counter() - clock, time.process_time() - processor))
    return Cost(*(statistics.median(times) * 1000 for times in zip(*spent, strict=True)))


class Cost(NamedTuple):
    """Milliseconds by the clock, and of processor time."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.2f} ({self.processor:.2f})"


if __name__ == "__main__":
    typer.run(main)
