"""What a DiT's work takes beside its weights: as this machine measured it, and before that as its sizes say."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assets.values import DiT, ModelHandle, PatchesSpec, TrajectorySpec
from assets.values.patches import grid_tokens
from nodes.api import Node
from nodes.families import footprint
from nodes.models.handles import FAMILY
from pipelines.measurements import Load, Measurement, Measurements

FILE = "work.db"


class WorkMemory:
    """folder: where the measurements of a torch device are kept."""

    def __init__(self, folder: Path, device: str) -> None:
        self._measurements = Measurements(folder / FILE, device)

    def foreseen(self, node: Node, handle: ModelHandle, specs: Iterable[Any]) -> int | None:
        """Bytes that a node's work through a model takes, of the specs of its inputs; None where nothing tells.

        Work grows in proportion to the tokens, so the nearest measurement is scaled by them.
        """
        patches = canvas(specs)
        if patches is None or not isinstance(handle, DiT) or handle.family == FAMILY:
            return None
        load = _load(node, handle, patches)
        measured = [one for one in self._measurements.of(node.type, node.version) if one.load.kind == load.kind]
        if measured:
            nearest = min(measured, key=lambda one: abs(one.load.size - load.size))
            return round(nearest.peak_bytes * load.size / nearest.load.size)
        return footprint.work(handle, patches)

    def learn(self, node: Node, handle: ModelHandle, specs: Iterable[Any], seconds: float, peak_bytes: int) -> None:
        """Remember what it took."""
        patches = canvas(specs)
        if patches and isinstance(handle, DiT) and handle.family != FAMILY and peak_bytes > 0:
            self._measurements.add([Measurement(_load(node, handle, patches), seconds, peak_bytes)])

    def close(self) -> None:
        self._measurements.close()


def canvas(specs: Iterable[Any]) -> PatchesSpec | None:
    """What a sampler works on, of the specs of its inputs."""
    for spec in specs:
        if isinstance(spec, PatchesSpec | TrajectorySpec):
            return spec if isinstance(spec, PatchesSpec) else spec.patches
    return None


def _load(node: Node, dit: DiT, patches: PatchesSpec) -> Load:
    tokens = max(map(grid_tokens, patches.grids))
    return Load(node.type, node.version, f"{dit.digest} {dit.precision}", tokens)
