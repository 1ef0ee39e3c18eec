"""How near forecasts of peak memory come: `python -m benchmarks.peaks [--seed 0]`.

Decodes clips of many sizes in random order in one session, each foreseen from those before it. Of the sizes that were
not measured before: how many came out within 15 %, once so many sizes were known.
"""

import random
import statistics
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assets.files import Files
from assets.store import Store
from nodes.registry import library
from pipelines.document import Document, wire_id
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor
from pipelines.forecast import Forecaster

SIDES = ((64, 64), (96, 64), (128, 128), (192, 112), (256, 256))
FRAMES = (1, 9, 17, 33, 65, 129)
LARGEST = 256 * 256 * 33
KNOWN = (1, 3, 6, 12)
GOAL = 0.15
NODES = {"models": "load_models", "canvas": "noise_patches", "latent": "unpatchify", "clip": "decode_latent"}
WIRES = {
    "canvas.dit": "models.dit",
    "canvas.vae": "models.vae",
    "latent.patches": "canvas.patches",
    "clip.vae": "models.vae",
    "clip.latent": "latent.latent",
}


def main(seed: Annotated[int, typer.Option(help="Of the order of the sizes.")] = 0) -> None:
    """Measure and print the table."""
    sizes = [(*sides, frames) for sides in SIDES for frames in FRAMES if sides[0] * sides[1] * frames <= LARGEST]
    random.Random(seed).shuffle(sizes)
    errors = measured(sizes)
    table = Table("sizes known", f"within {GOAL:.0%}", "from", "to", "median", box=None)
    for known in KNOWN:
        rest = errors[known - 1 :]
        near = statistics.mean(abs(error) <= GOAL for error in rest)
        median = statistics.median(map(abs, rest))
        table.add_row(str(known), f"{near:.0%}", f"{min(rest):+.0%}", f"{max(rest):+.0%}", f"{median:.0%}")
    Console().print(table)


def measured(sizes: list[tuple[int, int, int]]) -> list[float]:
    """How far each peak but the first was foreseen from what it was, in proportion to it."""
    errors = []
    with tempfile.TemporaryDirectory(prefix="patchloom-") as folder:
        store, files = Store(Path(folder) / "store"), Files((), Path(folder))
        executor = LocalExecutor(store, files)
        forecaster = Forecaster(Path(folder) / "measurements.db", library(), store, files, "cpu")
        done: dict[str | None, Event] = {}
        executor.subscribe(lambda event: done.update({event.node: event}) if event.kind == "done" else None)
        for size in sizes:
            store.clear()
            document = decoding(*size)
            foreseen = forecaster.forecast(document)
            summary = executor.wait(executor.submit(document))
            assert not summary.failed, summary.failed
            took: dict[str, Any] = {node: done[node].to_json() for node in summary.ran}
            if "clip" in foreseen.nodes:
                errors.append(foreseen.nodes["clip"].peak_bytes / took["clip"]["peak_bytes"] - 1)
            forecaster.learn(foreseen, took)
        forecaster.close()
        executor.close()
        store.close()
    return errors


def decoding(width: int, height: int, frames: int) -> Document:
    """A workflow that decodes an empty latent."""
    params = {"canvas": {"width": width, "height": height, "frames": frames}}
    records: dict[str, Any] = {
        f"node:{node}": {"type": kind, "version": 1, "params": params.get(node, {})} for node, kind in NODES.items()
    }
    for target, source in WIRES.items():
        to = target.split(".")
        records[wire_id(to)] = {"from": source.split("."), "to": to}
    return Document(records)


if __name__ == "__main__":
    typer.run(main)
