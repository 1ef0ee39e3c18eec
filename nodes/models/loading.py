"""From a handle to its module. The modules are imported when they are asked for, in a worker."""

import importlib
from pathlib import Path
from typing import Any

from assets.values import DiT, ModelHandle
from assets.weight_files import WeightsRefused, weights_digest
from nodes.models.handles import FAMILY, KINDS


def load(handle: ModelHandle, device: str = "cpu") -> Any:
    """The module of a handle, on `device`, in eval mode. WeightsRefused if a file is no longer what it was."""
    if handle.family != FAMILY:
        real = importlib.import_module(f"nodes.families.{handle.family}.model").load(handle)
        importlib.import_module("nodes.families.formats.finishing").finish(real, handle)
        return real.to(device)
    name, _ = KINDS[type(handle)]
    module = importlib.import_module(f"nodes.{name}.model").load(_unchanged(handle.path, handle.digest))
    if isinstance(handle, DiT):
        for path, digest, weight, _ in handle.loras:
            importlib.import_module("nodes.dit.lora").merge(module, _unchanged(path, digest), weight)
    return module.to(device)


def _unchanged(name: str, digest: str) -> Path:
    path = Path(name)
    if weights_digest(path) != digest:
        raise WeightsRefused(f"{path.name} has changed since the workflow was checked; run it again")
    return path
