"""Linear layers whose weights are kept in few bits, and restored for each forward."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.quantizers.gguf.utils import dequantize_functions
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from torch import Tensor, nn

FLOAT8 = torch.float8_e4m3fn


@dataclass(frozen=True)
class Packed:
    """Numbers of a shape in few bits.

    data: float8 of that shape, or the bytes (rows, bytes of a row) of ggml blocks. scale: what float8 is times. kind:
    ggml's, e.g. "Q4_0"; "" for float8.
    """

    data: Tensor
    shape: tuple[int, ...]
    scale: Tensor | None = None
    kind: str = ""

    def restored(self, dtype: torch.dtype) -> Tensor:
        return restored(self.data, self.scale, self.kind, self.shape, dtype)

    def rows(self, some: list[slice]) -> Packed:
        """Some of its rows, one after the other. A row of ggml blocks is whole blocks."""
        by_row = self.data.reshape(self.shape[0], -1) if self.kind else self.data
        data = torch.cat([by_row[rows] for rows in some])
        scale = self.scale
        if scale is not None and scale.ndim == 2 and len(scale) == self.shape[0]:
            scale = torch.cat([scale[rows] for rows in some])
        return Packed(data, (len(data), *self.shape[1:]), scale, self.kind)


def restored(data: Tensor, scale: Tensor | None, kind: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """The numbers that packed ones stand for, as near as they are kept; formats: diffusers quantizers/gguf."""
    if not kind:
        whole = data.to(dtype)
        return whole if scale is None else (data.float() * scale.to(data.device)).to(dtype)
    ggml = GGMLQuantizationType[kind]
    block, size = GGML_QUANT_SIZES[ggml]
    blocks: Tensor = dequantize_functions[ggml](data.reshape(-1, size), block, size, dtype=torch.float32)
    return blocks.reshape(shape).to(dtype)


class StoredLinear(nn.Module):
    """y = W x + b with W in few bits.

    W is a buffer, and no parameter, so that it is left as it is where a module's numbers are cast.
    """

    stored: Tensor
    scale: Tensor | None

    def __init__(self, packed: Packed, bias: nn.Parameter | None, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("stored", packed.data, persistent=False)
        self.register_buffer("scale", packed.scale, persistent=False)
        self.bias, self.dtype = bias, dtype
        self.kind, self.shape = packed.kind, packed.shape
        self.out_features, self.in_features = packed.shape

    @property
    def weight(self) -> Tensor:
        """(out in), in the dtype that is computed with."""
        return restored(self.stored, self.scale, self.kind, self.shape, self.dtype)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight, self.bias)


def whole_again(module: nn.Module, dtype: torch.dtype) -> None:
    """Let all layers of few bits be ordinary ones."""
    for name, layer in stored_layers(module):
        made = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        layer.dtype = dtype
        made.weight = nn.Parameter(layer.weight, requires_grad=False)
        made.register_parameter("bias", layer.bias)
        put(module, name, made)


def stored_layers(module: nn.Module) -> list[tuple[str, StoredLinear]]:
    return [(name, layer) for name, layer in module.named_modules() if isinstance(layer, StoredLinear)]


def put(module: nn.Module, name: str, layer: nn.Module) -> None:
    """Let `layer` stand where the module has the one of this name."""
    above, _, last = name.rpartition(".")
    module.get_submodule(above).register_module(last, layer)
