"""The tensors of a part out of a single file, by diffusers' names: as they are stored, few bits stay few."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from assets.gguf_files import read_gguf
from assets.weight_files import WeightsRefused
from assets.weight_headers import is_gguf
from nodes.families.formats.few_bits import TOLD, require_format
from nodes.families.formats.layouts import Held
from nodes.families.formats.names import Piece
from nodes.families.formats.stored import Packed

NUMBERS = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip
WHOLE = (torch.float32, torch.float16, torch.bfloat16)
FEW = (torch.float8_e4m3fn, torch.float8_e5m2)


@dataclass(frozen=True)
class State:
    """dtype: what is computed in: what most whole numbers are stored as, bfloat16 where most are of few bits."""

    tensors: dict[str, Tensor | Packed]
    dtype: torch.dtype


def read_state(path: Path, held: Held) -> State:
    """The part of a file that it holds; WeightsRefused where it cannot be read."""
    tensors = _gguf(path, held) if is_gguf(path) else _safetensors(path, held)
    return State(tensors, _compute_dtype(tensors))


def _safetensors(path: Path, held: Held) -> dict[str, Tensor | Packed]:
    made: dict[str, Tensor | Packed] = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name in filter(lambda name: name.endswith(TOLD), file.keys()):
                require_format(path, name.removesuffix(TOLD), file.get_tensor(name).view(torch.uint8).numpy().tobytes())
            for name, pieces in held.pieces.items():
                tensor = file.get_tensor(name)
                scale = _for_rows(file.get_tensor(held.scales[name]).float()) if name in held.scales else None
                if tensor.dtype in FEW:
                    made |= _cut(Packed(tensor, tuple(tensor.shape), scale), pieces)
                else:
                    made |= _cut(tensor if scale is None else (tensor.float() * scale).to(tensor.dtype), pieces)
    except (SafetensorError, OSError) as error:
        raise WeightsRefused(f"{path.name} cannot be read as safetensors ({error}); get it again") from error
    return made


def _for_rows(scale: Tensor) -> Tensor:
    """One scale for all, or one a row (out) -> (out 1)."""
    return scale[:, None] if scale.ndim == 1 and len(scale) > 1 else scale


def _gguf(path: Path, held: Held) -> dict[str, Tensor | Packed]:
    made: dict[str, Tensor | Packed] = {}
    for name, tensor in read_gguf(path).tensors.items():
        if name not in held.pieces:
            continue
        data = torch.from_numpy(np.fromfile(path, np.uint8, tensor.bytes, offset=tensor.start))
        numbers = NUMBERS.get(tensor.kind)
        whole = Packed(data, tensor.shape, kind=tensor.kind) if numbers is None else data.view(numbers)
        made |= _cut(whole if isinstance(whole, Packed) else whole.reshape(tensor.shape), held.pieces[name])
    return made


def _cut(tensor: Tensor | Packed, pieces: tuple[Piece, ...]) -> dict[str, Tensor | Packed]:
    return {piece.name: tensor if piece.whole else _rows(tensor, piece.rows(tensor.shape[0])) for piece in pieces}


def _rows(tensor: Tensor | Packed, rows: list[slice]) -> Tensor | Packed:
    if isinstance(tensor, Packed):
        return tensor.rows(rows)
    return torch.cat([tensor[some] for some in rows])


def _compute_dtype(tensors: dict[str, Tensor | Packed]) -> torch.dtype:
    counts = dict.fromkeys(WHOLE, 0)
    few = 0
    for tensor in tensors.values():
        if isinstance(tensor, Packed):
            few += prod(tensor.shape)
        elif tensor.dtype in counts:
            counts[tensor.dtype] += tensor.numel()
    most = max(WHOLE, key=lambda dtype: counts[dtype])
    return torch.bfloat16 if few > counts[most] else most
