"""From a handle to its module. The modules are imported when they are asked for, in a worker."""

import importlib
from pathlib import Path
from typing import Any

from assets.values import ModelHandle
from assets.weight_files import WeightsRefused, weights_digest
from nodes.models.handles import KINDS


def load(handle: ModelHandle, device: str = "cpu") -> Any:
    """The module of a handle, on `device`, in eval mode. WeightsRefused if the file is no longer what it was."""
    path = Path(handle.path)
    if weights_digest(path) != handle.digest:
        raise WeightsRefused(f"{path.name} has changed since the workflow was checked; run it again")
    name, _ = KINDS[type(handle)]
    return importlib.import_module(f"nodes.{name}.model").load(path).to(device)
