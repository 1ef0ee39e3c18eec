"""Lossy: linear layers that multiply in float8, which devices from Ada (RTX 40) and Hopper on do at twice the speed.

The numbers of each row of the weights, and of each token, are scaled so that the largest just fits; products are summed
in float32 and scaled back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nodes.families.formats.stored import FLOAT8, Packed, StoredLinear

MOST = torch.finfo(FLOAT8).max
TINY = 1e-12
ADA = (8, 9)
UNIT = 16
"""Sides of a matrix go by so many numbers; layers of other sizes keep to what they are stored as."""


def require_float8(device: str) -> None:
    """ValueError where a device cannot multiply in float8. A CPU can, though no faster."""
    if device == "cpu":
        return
    if not device.startswith("cuda"):
        raise ValueError(f"Got float8 matmul on {device}; it needs a CUDA device, or a CPU. Choose float8 storage.")
    if (has := torch.cuda.get_device_capability(device)) < ADA:
        raise ValueError(
            f"Got float8 matmul on a device of compute capability {has[0]}.{has[1]}; it needs {ADA[0]}.{ADA[1]}, as "
            "RTX 40, L4 and H100 have, or later. Choose float8 storage, or bfloat16."
        )


class MultipliedLinear(StoredLinear):
    """y = W x + b with W and x in float8."""

    scale: Tensor
    one: Tensor

    def __init__(self, weight: Tensor, bias: nn.Parameter | None, dtype: torch.dtype) -> None:
        data, scale = in_float8(weight.float())
        super().__init__(Packed(data, (weight.shape[0], weight.shape[1]), scale), bias, dtype)
        self.register_buffer("one", torch.ones((), dtype=torch.float32), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        data, scale = in_float8(x.reshape(-1, self.in_features))
        kind = x.dtype if x.dtype == torch.bfloat16 else torch.float32  # float16 has no room for the sums
        sums = torch._scaled_mm(
            data, self.stored.t(), scale_a=self.one, scale_b=self.one, out_dtype=kind, use_fast_accum=x.is_cuda
        )
        made = (sums * scale.to(kind) * self.scale.t().to(kind)).to(x.dtype).reshape(*x.shape[:-1], self.out_features)
        return made if self.bias is None else made + self.bias.to(x.dtype)


def in_float8(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (n d), and what each is times (n 1), float32."""
    scale = rows.abs().amax(dim=1, keepdim=True).float().clamp(min=TINY) / MOST
    return (rows / scale).clamp(-MOST, MOST).to(FLOAT8), scale


def fits(layer: nn.Module) -> bool:
    """Whether a layer can multiply in float8: a linear one, not in ggml's blocks, of sides that go by 16."""
    plain = isinstance(layer, nn.Linear) or (isinstance(layer, StoredLinear) and not layer.kind)
    return plain and not (layer.in_features % UNIT or layer.out_features % UNIT)  # type: ignore[operator]
