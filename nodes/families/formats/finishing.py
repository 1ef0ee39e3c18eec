"""What a handle asks of its module beside the weights: their precision, and LoRAs."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from assets.values import DiT, ModelHandle
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.formats.lora import adapters_for
from nodes.families.formats.merging import add_lora
from nodes.families.formats.precision import networks, set_precision


def finish(module: nn.Module, handle: ModelHandle) -> None:
    """Cast, then add the LoRAs, then store in few bits: so that a LoRA is rounded along with what it changes."""
    if handle.precision in ("bfloat16", "float32"):
        set_precision(module, handle.precision)
    if isinstance(handle, DiT) and handle.loras:
        experts = list(networks(module))
        for name, digest, weight, expert in handle.loras:
            path = Path(name)
            if weights_digest(path) != digest:
                raise WeightsRefused(f"{path.name} has changed since the workflow was checked; run it again")
            chosen = {"high noise": experts[:1], "low noise": experts[-1:]}.get(expert, experts)
            for network in chosen:
                add_lora(network, path, adapters_for(path, handle), weight)
    if handle.precision.startswith("float8"):
        set_precision(module, handle.precision)
