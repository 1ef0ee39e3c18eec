"""What a file of weights holds, safetensors or GGUF: told by its content, read off its header alone. No torch here."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from assets.gguf_files import MAGIC, read_gguf
from assets.weight_files import WeightsRefused, read_header

DTYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
          "U8": 1, "BOOL": 1}  # fmt: skip
"""safetensors' names of types -> bytes of a number."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """dtype: safetensors' name, e.g. "BF16", or ggml's, e.g. "Q4_K"."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WeightHeader:
    """said: what the file says about itself, e.g. safetensors' "__metadata__"."""

    path: Path
    tensors: dict[str, Tensor]
    said: dict[str, Any]
    gguf: bool = False


def is_gguf(path: Path) -> bool:
    if not path.is_file():  # a pipe would wait for ever
        return False
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def read_weight_header(path: Path) -> WeightHeader:
    """The header of a safetensors or GGUF file, whatever its name; WeightsRefused for any other or a damaged one."""
    if is_gguf(path):
        found = read_gguf(path)
        tensors = {name: Tensor(tensor.kind, tensor.shape) for name, tensor in found.tensors.items()}
        return WeightHeader(path, tensors, found.facts, gguf=True)
    header = read_header(path)
    metadata = header.pop("__metadata__", {})
    tensors = {name: _tensor(path, name, said) for name, said in header.items()}
    return WeightHeader(path, tensors, metadata if isinstance(metadata, dict) else {})


def _tensor(path: Path, name: str, said: Any) -> Tensor:
    match said:
        case {"dtype": str(dtype), "shape": [*sides], "data_offsets": [int(start), int(end)]} if all(
            isinstance(side, int) and side >= 0 for side in sides
        ):
            if dtype not in DTYPES:
                raise WeightsRefused(
                    f"{path.name} holds {name} as {dtype!r}; needs one of {', '.join(DTYPES)}: get the model in "
                    "another precision"
                )
            if prod(sides) * DTYPES[dtype] != end - start:
                raise WeightsRefused(
                    f"{path.name} gives {name} the shape {sides} of {dtype} and {end - start} bytes, which disagree; "
                    "the file is damaged: get it again"
                )
            return Tensor(dtype, tuple(sides))
    raise WeightsRefused(f"{path.name} does not say what its tensor {name!r} is; the file is damaged: get it again")
