"""Which ways of keeping weights in few bits are read from safetensors, and the sentence for those that are not.

ComfyUI's: float8 times a scale, told by "scaled_fp8" and ".scale_weight", or layer by layer by ".comfy_quant" and
".weight_scale" (its QUANTIZATION.md). No torch here.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from assets.weight_files import WeightsRefused
from assets.weight_headers import Tensor, WeightHeader

SCALES = (".scale_weight", ".weight_scale")
"""Of a layer's weight, which is this times what is stored: one for all, or one a row."""
TOLD = ".comfy_quant"
"""JSON: how a layer's weight is stored."""
IGNORED = (".scale_input", ".input_scale", TOLD, "scaled_fp8", "spiece_model")
"""What ComfyUI's files hold beside the weights."""
FORMATS = ("float8_e4m3fn", "float8_e5m2")
OF_NO_MATTER = ("format", "full_precision_matrix_mult", "orig_dtype", "orig_shape")
"""What else the JSON may say: of how it is computed with, or was."""
MORE = (".weight_scale_2", ".pre_quant_scale", ".qweight", ".scales", ".absmax", ".quant_map")
WHOLE_NUMBERS = ("U8", "I8", "I16", "I32", "I64")
FLOATS = ("F64", "F32", "F16", "BF16")


def require_read(header: WeightHeader, names: Collection[str], scales: Mapping[str, str]) -> None:
    """WeightsRefused where some of a part's weights are kept in a way that is not read. scales: weight -> its scale."""
    for name in names:
        packed = name.endswith(".weight") and header.tensors[name].dtype in WHOLE_NUMBERS
        if packed or name.endswith(MORE):
            raise _refused(header.path, name, f"{header.tensors[name].dtype} numbers that stand for others")
    for weight, scale in scales.items():
        if not _fits(header.tensors.get(weight), header.tensors[scale]):
            sides = "x".join(map(str, header.tensors[scale].shape))
            raise _refused(header.path, weight, f"scales of {sides} ({header.tensors[scale].dtype}) in blocks")
    said = header.said.get("_quantization_metadata", "{}")
    for layer, told in _object(_object(said).get("layers", {})).items():
        require_format(header.path, layer, told)


def require_format(path: Path, layer: str, told: Any) -> None:
    """told: what a file says of how a layer's weight is stored, as JSON or read from it."""
    said = _object(told)
    other = [name for name, value in said.items() if name not in OF_NO_MATTER and value]
    if said.get("format") not in FORMATS or other:
        raise _refused(path, layer, f"{said.get('format', 'few bits')!r}{f' with {other[0]}' if other else ''}")


def _fits(weight: Tensor | None, scale: Tensor) -> bool:
    rows = weight.shape[0] if weight and weight.shape else 1
    return weight is not None and scale.dtype in FLOATS and scale.shape in ((), (1,), (1, 1), (rows,), (rows, 1))


def _object(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str | bytes) else text
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _refused(path: Path, name: str, how: str) -> WeightsRefused:
    return WeightsRefused(
        f"{path.name} keeps {name} as {how}, which is not read here; float8 with a scale for all or for each row is "
        "(fp8_scaled, e4m3fn or e5m2), and so are bf16, fp16 and GGUF: get the model as one of these"
    )
