"""Weights on disk: safetensors files only. No pickle is ever opened, whatever its name says."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from assets.digests import StillReading, digests

BUILTIN = Path(__file__).parent / "weights"
METADATA_KEY = "patchloom"
MAX_HEADER = 64 * 1024 * 1024


class WeightsRefused(ValueError):
    """A weights file that cannot be used: what was got, what is needed, what to try."""


def read_metadata(path: Path) -> dict[str, Any]:
    """The "patchloom" JSON object in the header of a weights file, {} where it has none; else WeightsRefused.

    Remembered until the file's size or its time of change is another: a graph asks for it again for each of its nodes.
    """
    _expect_file(path)
    stat = path.stat()
    return _metadata(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _metadata(path: Path, size: int, changed: int) -> dict[str, Any]:
    metadata = read_header(path).get("__metadata__", {})
    ours = metadata.get(METADATA_KEY, "{}") if isinstance(metadata, dict) else "{}"
    return _json_object(path, ours.encode() if isinstance(ours, str) else b"")


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: {tensor: {dtype, shape, data_offsets}, "__metadata__": {...}}.

    Only the header is read, and the file's length is held against what the header claims; WeightsRefused says why not.
    """
    _expect_file(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(9)
        length = int.from_bytes(start[:8], "little")
        _refuse_other_kinds(path, start, length)
        if size < 8 + length:
            raise WeightsRefused(
                f"{path.name} has {size} bytes and its header alone claims {length}; it is cut short: get it again"
            )
        header = _json_object(path, (start[8:] + file.read(length))[:length])
    needed = (
        8 + length + max((_end(path, name, said) for name, said in header.items() if name != "__metadata__"), default=0)
    )
    if size != needed:
        raise WeightsRefused(
            f"{path.name} has {size} bytes and its header claims {needed}; it is cut short or damaged: get it again"
        )
    return header


def weights_digest(path: Path) -> str:
    """sha256 of the file in hex; remembered until its size or its time of change is another."""
    _expect_file(path)
    try:
        return digests.of(path)
    except StillReading as reading:
        raise WeightsRefused(
            f"{path.name} is being read for the first time: {reading.read / 1e9:.1f} of {reading.size / 1e9:.1f} GB. "
            "It is ready in a moment"
        ) from None


def read_array(path: Path, name: str) -> npt.NDArray[Any]:
    """One tensor of a weights file as a numpy array (bfloat16 as float32); WeightsRefused if it is not there."""
    read_metadata(path)
    try:
        with safe_open(path, framework="numpy") as file:
            if name not in file.keys():  # noqa: SIM118 - safe_open is no mapping
                some = ", ".join(sorted(file.keys())[:5])
                raise WeightsRefused(
                    f"{path.name} has no tensor {name!r}; it has {some}, ...: check the model's family"
                )
            if file.get_slice(name).get_dtype() == "BF16":
                return _read_bfloat16(path, name)
            array: npt.NDArray[Any] = file.get_tensor(name)
            return array
    except (SafetensorError, TypeError, KeyError) as error:
        raise WeightsRefused(f"{path.name} cannot be read as safetensors ({error}); get it again") from error


def _read_bfloat16(path: Path, name: str) -> npt.NDArray[np.float32]:
    """numpy has no bfloat16: its two bytes are the upper two of a float32."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        said = json.loads(file.read(length))[name]
        start, end = said["data_offsets"]
        file.seek(8 + length + start)
        upper = np.frombuffer(file.read(end - start), "<u2")
    return (upper.astype(np.uint32) << 16).view(np.float32).reshape(said["shape"])


def _expect_file(path: Path) -> None:
    if not path.is_file():
        raise WeightsRefused(f"there is no weights file {path}; check the name, or train or download the model first")


def _refuse_other_kinds(path: Path, start: bytes, length: int) -> None:
    """Say what a file is that only bears the name; a safetensors file starts with its header's length, then a brace.

    That length can begin as a pickle does: 640 bytes, for one.
    """
    pickled = start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and start[8:] != b"{"
    if start[:4] == b"PK\x03\x04" or pickled:
        what = "a zip archive, as torch.save makes" if start[:2] == b"PK" else "a Python pickle"
        raise WeightsRefused(
            f"{path.name} is {what}, which can run any code when it is opened; convert it to safetensors where you "
            "trust it"
        )
    if start.startswith(b"version "):
        raise WeightsRefused(f"{path.name} is a Git LFS pointer, not the weights; fetch it with git lfs pull")
    if len(start) < 8:
        raise WeightsRefused(f"{path.name} has {len(start)} bytes; it is cut short: get it again")
    if length > MAX_HEADER:
        raise WeightsRefused(
            f"{path.name} is no safetensors file (its header would be {length} bytes, at most {MAX_HEADER} are read); "
            "get the model as safetensors"
        )


def _json_object(path: Path, text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsRefused(
            f"{path.name} is no safetensors file: its header is no JSON ({error}); get it again"
        ) from error
    if not isinstance(content, dict):
        raise WeightsRefused(
            f"{path.name} has a {type(content).__name__} for a header; it needs an object: get it again"
        )
    return content


def _end(path: Path, name: str, said: Any) -> int:
    """Where a tensor's bytes end, counted from the end of the header."""
    match said:
        case {"data_offsets": [int(start), int(end)]} if 0 <= start <= end:
            return end
    raise WeightsRefused(f"{path.name} does not say where its tensor {name!r} lies; the file is damaged: get it again")
