"""A training's whole state in one safetensors file: weights, their average, both optimisers and the step.

Data and noise are functions of (seed, step, rank), so no generator's state needs to be kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

Modules = dict[str, nn.Module]
Optimisers = dict[str, torch.optim.Optimizer]


def save(path: Path, facts: dict[str, Any], modules: Modules, optimisers: Optimisers) -> None:
    """Write the state to a temporary name, then rename it: there is always one whole checkpoint."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors |= {f"{name}/{key}": value.detach().contiguous() for key, value in module.state_dict().items()}
    for name, optimiser in optimisers.items():
        for index, slots in optimiser.state_dict()["state"].items():
            for slot, value in slots.items():
                tensors[f"{name}/{index}/{slot}"] = torch.as_tensor(value).contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    save_file(tensors, draft, {"training": json.dumps(facts)})
    draft.rename(path)


def restore(path: Path, modules: Modules, optimisers: Optimisers) -> dict[str, Any]:
    """Load a checkpoint into the modules and optimisers, and return its facts."""
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - safe_open is not a mapping
        facts: dict[str, Any] = json.loads(file.metadata()["training"])
    for name, module in modules.items():
        prefix = f"{name}/"
        module.load_state_dict({key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)})
    for name, optimiser in optimisers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(f"{name}/"):
                _, index, slot = key.split("/")
                state.setdefault(int(index), {})[slot] = value
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    return facts
