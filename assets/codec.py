"""Values to bytes and back: one safetensors file a value, its other fields and its spec as JSON in the header.

Equal values give equal bytes, so the sha256 of the bytes names a value's content. Reading executes nothing, and no
length that a file claims is believed before it is checked.
"""

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError

from assets.values import VALUE_TYPES, ModelHandle, Value
from assets.values.array import Array, Arrays
from assets.values.handles import ROUNDED

Framework = Literal["numpy", "torch"]
Way = Literal["truncated", "header too long", "not safetensors", "foreign", "unknown type", "wrong fields"]
MAX_HEADER = 64 * 1024 * 1024
METADATA_KEY = "patchloom"


class CorruptBlob(ValueError):
    """A file that holds no value. `way` says in which way, the message what was got and what is needed."""

    def __init__(self, way: Way, sentence: str) -> None:
        super().__init__(sentence)
        self.way = way


def encode(value: Value) -> bytes:
    """The bytes of a value, the same for equal values: numpy and torch arrays, wherever they live, encode alike."""
    kind: type = type(value)
    if VALUE_TYPES.get(kind.__name__) is not kind:
        raise TypeError(f"{kind.__name__} is no value type; it needs one of {', '.join(VALUE_TYPES)}")
    hints = _hints(kind)
    value = _with_floats(value, hints)
    arrays = {name: as_numpy(getattr(value, name)) for name, hint in hints.items() if _is_array(hint)}
    named = {name: getattr(value, name) for name, hint in hints.items() if hint == Arrays}
    plain = {name: getattr(value, name) for name in hints.keys() - arrays.keys() - named.keys() - _unsaid(value)}
    arrays |= {f"{name}.{key}": as_numpy(array) for name, some in named.items() for key, array in some.items()}
    header = {"type": kind.__name__, "fields": plain, "spec": spec_dict(value)}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain_number)
    try:
        return safetensors.numpy.save(arrays, {METADATA_KEY: text})
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the {kind.__name__} holds text that is not Unicode ({error.reason}); type it anew"
        ) from error


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value's bytes, and the digest of its content (see `content_digest`)."""

    digest: str
    data: bytes


def encoded(value: Value) -> Encoded:
    """The bytes of a value and its digest; in one go, as both are made of the bytes."""
    data = encode(value)
    return Encoded(content_digest(value) if isinstance(value, ModelHandle) else _sha256(data), data)


def decode(data: bytes | Path, framework: Framework = "numpy") -> Value:
    """The value in `data` (bytes or a file); CorruptBlob if there is none.

    framework: what its arrays are, numpy arrays or torch tensors (on the CPU); a clip's frames are always numpy.
    """
    raw = data.read_bytes() if isinstance(data, Path) else data
    header = _header(raw)
    arrays = _load(raw)
    kind = VALUE_TYPES.get(str(header.get("type")))
    if kind is None:
        raise CorruptBlob("unknown type", f"the blob holds a {header.get('type')!r}, which this version does not know")
    hints = _hints(kind)
    plain = header.get("fields")
    array_names = {name for name, hint in hints.items() if _is_array(hint)}
    named: dict[str, dict[str, Any]] = {name: {} for name, hint in hints.items() if hint == Arrays}
    for name in [name for name in arrays if name.partition(".")[0] in named]:
        field, _, key = name.partition(".")
        named[field][key] = arrays.pop(name)
    known = hints.keys() - array_names - named.keys()
    # A field that came later is as its default in blobs from before.
    needed = known - {one.name for one in fields(kind) if one.default is not MISSING}
    if not isinstance(plain, dict) or arrays.keys() != array_names or not needed <= plain.keys() <= known:
        got = [*plain, *arrays] if isinstance(plain, dict) else plain
        raise CorruptBlob("wrong fields", f"the blob's {kind.__name__} has the fields {got}; it needs {list(hints)}")
    try:
        checked = {
            name: _adapter(hints[name]).validate_python(_with_tuples(plain[name]), strict=True) for name in plain
        }
        made = {
            name: as_tensor(array) if framework == "torch" and hints[name] is Array else array
            for name, array in arrays.items()
        }
        for some in named.values():
            some |= {key: as_tensor(array) if framework == "torch" else array for key, array in some.items()}
        value: Value = kind(**checked, **made, **named)
    except (ValidationError, ValueError, TypeError) as error:
        raise CorruptBlob("wrong fields", f"the blob is no valid {kind.__name__}: {error}") from error
    return value


def content_digest(value: Value) -> str:
    """sha256 of a value's content, in hex. A model handle counts by its weights' digest, never by its path."""
    if isinstance(value, ModelHandle):
        held: Any = ROUNDED.get(value.precision, value.precision)
        value = replace(value, path="", precision=held)
    return _sha256(encode(value))


def result_digest(value: Value) -> str:
    """The digest of a value as far as results depend on it, see `assets.values.handles.MANNER`."""
    manner: dict[str, Any] = {one.name: one.default for one in fields(value) if one.metadata.get("manner")}
    return content_digest(replace(value, **manner) if manner else value)


def blob_digest(data: bytes) -> str:
    """What `content_digest` says of the value in a blob, without decoding its arrays; CorruptBlob if it has no header.

    It is the sha256 of the blob itself except for model handles, which the path does not count for.
    """
    kind = VALUE_TYPES.get(str(_header(data).get("type")))
    if kind is not None and issubclass(kind, ModelHandle):
        return content_digest(decode(data))
    return _sha256(data)


def spec_dict(value: Value) -> dict[str, Any]:
    """A value's spec as plain data: {"type": "ClipSpec", "frames": 17, ...}."""
    unsaid = _unsaid(value.spec)
    fields_ = {name: content for name, content in asdict(value.spec).items() if name not in unsaid}
    return {"type": type(value.spec).__name__, **fields_}


def _unsaid(record: Any) -> set[str]:
    """Fields that came later and are as they were before they came, see `assets.values.handles.LATER`."""
    later = [one for one in fields(record) if one.metadata.get("later")]
    return {one.name for one in later if getattr(record, one.name) == one.default}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a value type's fields, by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _with_floats(value: Any, hints: dict[str, Any]) -> Value:
    """A frame rate of 8 is one of 8.0: equal values must encode alike."""
    floats = {name: float(getattr(value, name)) for name, hint in hints.items() if hint is float}
    normal: Value = replace(value, **floats) if floats else value
    return normal


def _is_array(hint: Any) -> bool:
    return hint is Array or get_origin(hint) is np.ndarray


def _header(raw: bytes) -> dict[str, Any]:
    """Patchloom's part of the header of a safetensors file that starts with `raw`."""
    if len(raw) < 8:
        raise CorruptBlob("truncated", f"the blob has {len(raw)} bytes; it needs at least 8")
    length = int.from_bytes(raw[:8], "little")
    if length > MAX_HEADER:
        raise CorruptBlob("header too long", f"the blob's header claims {length} bytes; at most {MAX_HEADER} are read")
    if len(raw) < 8 + length:
        raise CorruptBlob("truncated", f"the blob's header claims {length} bytes; {len(raw) - 8} are there")
    try:
        header = json.loads(raw[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise CorruptBlob("not safetensors", f"the blob's header is no JSON ({error})") from error
    try:
        ours = json.loads(header["__metadata__"][METADATA_KEY])
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise CorruptBlob("foreign", "the file says nothing of Patchloom in its header; it is no blob") from error
    if not isinstance(ours, dict):
        raise CorruptBlob("foreign", f"the blob's header holds a {type(ours).__name__}; it needs an object")
    return ours


def _load(raw: bytes) -> dict[str, npt.NDArray[Any]]:
    """Arrays by name; safetensors checks that shapes, dtypes and offsets agree with the bytes that are there."""
    try:
        return safetensors.numpy.load(raw)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptBlob("not safetensors", f"the blob's tensors cannot be read: {error}") from error


def as_tensor(array: npt.NDArray[Any]) -> Array:
    """A torch tensor on the memory of an array."""
    import torch

    tensor: Array = torch.from_numpy(array)
    return tensor


def as_numpy(array: Any) -> npt.NDArray[Any]:
    """A contiguous little-endian numpy array of a numpy array or of a torch tensor on any device."""
    if hasattr(array, "detach"):
        array = array.detach().cpu().numpy()
    native: npt.NDArray[Any] = np.asarray(array, order="C")
    return native.astype(native.dtype.newbyteorder("<"), copy=False)


def _plain_number(number: Any) -> Any:
    """For json.dumps: a numpy or 0-d number as Python's own."""
    if hasattr(number, "item"):
        return number.item()
    raise TypeError(f"a value's field holds a {type(number).__name__}; it needs numbers, text, tuples or arrays")


def _with_tuples(content: Any) -> Any:
    """JSON knows lists only; values hold tuples, at any depth."""
    return tuple(map(_with_tuples, content)) if isinstance(content, list) else content
