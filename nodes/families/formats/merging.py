"""LoRAs added to a network: into its weights where these are whole, beside them where they are of few bits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import torch
from safetensors import safe_open
from torch import Tensor, nn

from nodes.families.formats.lora_file import Adapter, Role
from nodes.families.formats.names import Piece
from nodes.families.formats.stored import StoredLinear, put


class Beside(nn.Module):
    """A layer with a LoRA beside it: y = layer(x) + B A x."""

    down: Tensor
    up: Tensor

    def __init__(self, layer: nn.Module, down: Tensor, up: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("down", down.to(dtype), persistent=False)
        self.register_buffer("up", up.to(dtype), persistent=False)

    @property
    def weight(self) -> Tensor:
        return cast(Tensor, self.layer.weight) + self.up @ self.down

    def forward(self, x: Tensor) -> Tensor:
        low = nn.functional.linear(x, self.down)
        return cast(Tensor, self.layer(x)) + nn.functional.linear(low, self.up)


@torch.no_grad()
def add_lora(network: nn.Module, path: Path, adapters: Iterable[Adapter], weight: float) -> None:
    """Add a LoRA (Hu et al. 2021) times `weight`: W + weight (alpha / rank) B A, summed in float32."""
    with safe_open(path, framework="pt") as file:
        for adapter in adapters:
            got = {
                role: _piece(file.get_tensor(name).float(), role, adapter.piece)
                for role, name in adapter.tensors.items()
            }
            if (parameter := _parameter(network, adapter.layer)) is not None:
                _change(parameter, weight * got["diff"])
                continue
            layer = network.get_submodule(adapter.layer)
            if "down" in got:
                rank = got["down"].shape[0]
                alpha = float(got["alpha"]) if "alpha" in got else adapter.alpha
                scale = weight * (1.0 if alpha is None else alpha / rank)
                _add_low(network, adapter.layer, layer, got["down"], scale * got["up"])
            if "diff" in got:
                _add_whole(network, adapter.layer, layer, weight * got["diff"])
            for role in ("diff_b", "up_b"):
                if role in got:
                    _change(cast(nn.Parameter, _innermost(layer).bias), weight * got[role])


def _parameter(network: nn.Module, name: str) -> nn.Parameter | None:
    """The tensor of this whole name that a network has outside of layers; None where it is a layer's name."""
    above, _, last = name.rpartition(".")
    return network.get_submodule(above)._parameters.get(last)


def _change(parameter: nn.Parameter, change: Tensor) -> None:
    parameter.data = (parameter.float() + change.reshape(parameter.shape)).to(parameter.dtype)


def _piece(tensor: Tensor, role: Role, piece: Piece) -> Tensor:
    """What of a tensor is for the piece of a layer."""
    if piece.whole or role in ("down", "alpha"):
        return tensor
    return torch.cat([tensor[rows] for rows in piece.rows(len(tensor))])


def _add_low(network: nn.Module, name: str, layer: nn.Module, down: Tensor, up: Tensor) -> None:
    inner = _innermost(layer)
    if isinstance(inner, StoredLinear):
        put(network, name, Beside(layer, down, up, inner.dtype))
    else:
        _change(cast(nn.Parameter, layer.weight), up.flatten(1) @ down.flatten(1))


def _add_whole(network: nn.Module, name: str, layer: nn.Module, change: Tensor) -> None:
    inner = _innermost(layer)
    if isinstance(inner, StoredLinear):
        made = nn.Linear(inner.in_features, inner.out_features, inner.bias is not None, device="meta")
        made.register_parameter("bias", inner.bias)
        made.weight = nn.Parameter(cast(Tensor, layer.weight), requires_grad=False)
        put(network, name, made)
        layer = made
    _change(cast(nn.Parameter, layer.weight), change)


def _innermost(layer: nn.Module) -> nn.Module:
    while isinstance(layer, Beside):
        layer = layer.layer
    return layer
