"""Low-rank adapters (LoRA, Hu et al. 2021): what a DiT learned of a few clips, in a small file of its own.

A linear layer W of attention or MLP becomes W + weight (alpha / rank) B A, with A (rank in) and B (out rank). B starts
at zero, so that training starts from the DiT as it is. To be used, an adapter is added into the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from assets.weight_files import WeightsRefused
from nodes.dit.lora_file import LoRAConfig, read_config
from nodes.dit.model import DiT
from nodes.weights_file import save_weights

LAYERS = ("attend.qkv", "attend.out", "read.q", "read.kv", "read.out", "mlp.0", "mlp.2")


class Adapter(nn.Module):
    """B A of one layer."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) * layer.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))


class Adapters(nn.Module):
    """The adapters of all layers of a DiT: what is trained, averaged and saved."""

    def __init__(self, dit: DiT, config: LoRAConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict({_key(name): Adapter(layer, config.rank) for name, layer in layers(dit)})


class _Adapted(nn.Module):
    def __init__(self, layer: nn.Linear, adapter: Adapter, scale: float) -> None:
        super().__init__()
        self.layer, self.adapter, self.scale = layer, adapter, scale

    def forward(self, x: Tensor) -> Tensor:
        low = nn.functional.linear(x, self.adapter.down)
        added: Tensor = self.layer(x) + self.scale * nn.functional.linear(low, self.adapter.up)
        return added


def layers(dit: DiT) -> Iterator[tuple[str, nn.Linear]]:
    """The linear layers that are adapted, by name."""
    for name, layer in dit.named_modules():
        if isinstance(layer, nn.Linear) and name.endswith(LAYERS):
            yield name, layer


def adapt(dit: DiT, adapters: Adapters) -> None:
    """Let the DiT's layers run with the adapters, which stay parameters of their own."""
    for name, layer in list(layers(dit)):
        above, _, last = name.rpartition(".")
        adapter = adapters.layers[_key(name)]
        assert isinstance(adapter, Adapter)
        dit.get_submodule(above).register_module(last, _Adapted(layer, adapter, adapters.config.scale))


def save(adapters: Adapters, path: Path, latent_space: str) -> None:
    save_weights(adapters, path, kind="lora", latent_space=latent_space, config=adapters.config)


@torch.no_grad()
def merge(dit: DiT, path: Path, weight: float) -> None:
    """Add an adapter, times `weight`, into the DiT's weights. WeightsRefused where their layers do not match."""
    config, tensors = read_config(path), load_file(path)
    found = dict(layers(dit))
    for name, layer in found.items():
        down, up = (tensors.get(f"layers.{_key(name)}.{part}") for part in ("down", "up"))
        sides = layer.out_features, layer.in_features
        if down is None or up is None or (up.shape[0], down.shape[-1], down.shape[0]) != (*sides, up.shape[-1]):
            raise WeightsRefused(
                f"{path.name} has no adapter of {sides[0]} x {sides[1]} for the layer {name}; it was made for another "
                "DiT. Train it again on this one."
            )
        layer.weight += weight * config.scale * (up.float() @ down.float())
    if len(tensors) != 2 * len(found):
        raise WeightsRefused(
            f"{path.name} has {len(tensors)} tensors, this DiT has {len(found)} layers that take two each; it was made "
            "for another DiT. Train it again on this one."
        )


def _key(name: str) -> str:
    """A layer's name as a module's name may be: without dots."""
    return name.replace(".", "/")
