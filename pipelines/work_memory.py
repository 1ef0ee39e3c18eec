"""What work through a model takes beside its weights: as this machine measured it, and before that as its sizes say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assets.values import ClipSpec, DiT, LatentSpec, ModelHandle, PatchesSpec, TextEncoder, TrajectorySpec, VideoVAE
from assets.values.patches import grid_tokens
from nodes.api import Node
from nodes.families import footprint
from nodes.models.handles import FAMILY
from pipelines.arguments import parameters
from pipelines.measurements import Load, Measurement, Measurements

FILE = "work.db"
Arguments = Mapping[str, Any]
"""Of a node: specs of its inputs and values of its widgets by name, as far as they are known."""


class WorkMemory:
    """folder: where the measurements of a torch device are kept."""

    def __init__(self, folder: Path, device: str) -> None:
        self._measurements = Measurements(folder / FILE, device)

    def foreseen(self, node: Node, handle: ModelHandle, arguments: Arguments) -> int | None:
        """Bytes that a node's work through a model takes; None where nothing tells, or where it does not work by it.

        A DiT's grows in proportion to the tokens, so the nearest measurement is scaled by them.
        """
        if handle.family == FAMILY:
            return None
        match handle:
            case DiT():
                patches = canvas(node, arguments)
                return self._sampling(node, handle, patches) if patches else None
            case TextEncoder():
                return footprint.text_work(handle)
            case VideoVAE():
                seen = (spec for spec in arguments.values() if isinstance(spec, ClipSpec | LatentSpec))
                works = [footprint.video_work(handle, spec) for spec in seen]
                return max((work for work in works if work), default=None)
        return None

    def learn(self, node: Node, handle: ModelHandle, arguments: Arguments, seconds: float, peak_bytes: int) -> None:
        """Remember what sampling took."""
        patches = canvas(node, arguments)
        if patches and isinstance(handle, DiT) and handle.family != FAMILY and peak_bytes > 0:
            self._measurements.add([Measurement(_load(node, handle, patches), seconds, peak_bytes)])

    def close(self) -> None:
        self._measurements.close()

    def _sampling(self, node: Node, dit: DiT, patches: PatchesSpec) -> int:
        load = _load(node, dit, patches)
        measured = [one for one in self._measurements.of(node.type, node.version) if one.load.kind == load.kind]
        if measured:
            nearest = min(measured, key=lambda one: abs(one.load.size - load.size))
            return round(nearest.peak_bytes * load.size / nearest.load.size)
        return footprint.work(dit, patches)


def canvas(node: Node, arguments: Arguments) -> PatchesSpec | None:
    """What a sampler works on at a time; None where it is no sampler."""
    found = (spec for spec in arguments.values() if isinstance(spec, PatchesSpec | TrajectorySpec))
    spec = next(found, None)
    if spec is None:
        return None
    wanted = parameters(node.at_once) if node.at_once else ()
    if node.at_once and arguments.keys() >= set(wanted):
        part: PatchesSpec = node.at_once(**{name: arguments[name] for name in wanted})
        return part
    return spec if isinstance(spec, PatchesSpec) else spec.patches


def _load(node: Node, dit: DiT, patches: PatchesSpec) -> Load:
    tokens = max(map(grid_tokens, patches.grids))
    return Load(node.type, node.version, f"{dit.digest} {dit.precision}", tokens)
