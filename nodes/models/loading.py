"""From a handle to its module. The modules are imported when they are asked for, in a worker."""

import importlib
import threading
from pathlib import Path
from typing import Any

from assets.values import DiT, ModelHandle
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.registry import mislabelled
from nodes.models.handles import FAMILY, KINDS
from nodes.out_of_memory import out_of_memory

# One at a time: while it loads, transformers has every module of the process made without memory (on "meta").
_LOADING = threading.Lock()


def load(handle: ModelHandle, device: str = "cpu") -> Any:
    """The module of a handle, on `device`, in eval mode. WeightsRefused if a file is no longer what it was."""
    with _LOADING:
        return (_builtin if handle.family == FAMILY else _real)(handle).to(device)


def _real(handle: ModelHandle) -> Any:
    try:
        made = importlib.import_module(f"nodes.families.{handle.family}.model").load(handle)
        importlib.import_module("nodes.families.formats.finishing").finish(made, handle)
        return made
    except (WeightsRefused, ImportError):
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        raise mislabelled(Path(handle.path), error) from error


def _builtin(handle: ModelHandle) -> Any:
    name, _ = KINDS[type(handle)]
    module = importlib.import_module(f"nodes.{name}.model").load(_unchanged(handle.path, handle.digest))
    if isinstance(handle, DiT):
        for path, digest, weight, _ in handle.loras:
            importlib.import_module("nodes.dit.lora").merge(module, _unchanged(path, digest), weight)
    return module


def _unchanged(name: str, digest: str) -> Path:
    path = Path(name)
    if weights_digest(path) != digest:
        raise WeightsRefused(f"{path.name} has changed since the workflow was checked; run it again")
    return path
