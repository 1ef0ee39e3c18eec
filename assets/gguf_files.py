"""GGUF files: what they hold, read with a cap on every length. No torch, and no code of the file's is ever run.

The format: github.com/ggml-org/ggml docs/gguf.md (versions 2 and 3, little-endian).
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from assets.weight_files import WeightsRefused

MAGIC = b"GGUF"
MAX_TENSORS = 100_000
MAX_FACTS = 10_000
MAX_TEXT = 1 << 20
MAX_ITEMS = 1_000_000
MAX_SIDES = 8

BLOCKS: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 30: ("BF16", 1, 2),
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 20: ("IQ4_NL", 32, 18), 23: ("IQ4_XS", 256, 136),
}  # fmt: skip
"""ggml type -> (name, weights in a block, bytes of a block): those that can be restored."""
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_ORIGINAL_SHAPE = "comfy.gguf.orig_shape."


@dataclass(frozen=True, slots=True)
class GGUFTensor:
    """kind: as in BLOCKS. shape: rows first, as torch has it. start, bytes: where its data lie in the file."""

    kind: str
    shape: tuple[int, ...]
    start: int
    bytes: int


@dataclass(frozen=True, slots=True)
class GGUF:
    """facts: the file's key-value pairs, lists of more than a few numbers left out."""

    facts: dict[str, Any]
    tensors: dict[str, GGUFTensor]


def read_gguf(path: Path) -> GGUF:
    """What a GGUF file holds, from its header alone; WeightsRefused where it is damaged or of another kind."""
    size = path.stat().st_size
    with path.open("rb") as file:
        reader = _Reader(path, file, size)
        if reader.take(4) != MAGIC:
            raise WeightsRefused(f"{path.name} is no GGUF file; choose one that is, or a safetensors file")
        version = reader.number("I")
        if version not in (2, 3):
            raise reader.refused(f"says version {version}; versions 2 and 3 are read")
        tensors = reader.count(MAX_TENSORS, "tensors")
        facts = dict(reader.fact() for _ in range(reader.count(MAX_FACTS, "facts")))
        claimed = [reader.tensor() for _ in range(tensors)]
        alignment = facts.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
            raise reader.refused(f"says an alignment of {alignment!r}; it needs a small number")
        data = -(-file.tell() // alignment) * alignment
    made = {name: _placed(reader, facts, name, claim, data) for name, claim in claimed}
    if len(made) < len(claimed):
        raise reader.refused("names a tensor twice")
    return GGUF(facts, made)


Claim = tuple[tuple[int, ...], int, int]


def _placed(reader: "_Reader", facts: dict[str, Any], name: str, claim: Claim, data: int) -> GGUFTensor:
    sides, kind, offset = claim
    if kind not in BLOCKS:
        known = ", ".join(each for each, _, _ in BLOCKS.values())
        raise WeightsRefused(
            f"{reader.path.name} holds {name} in ggml type {kind}, which is not read here; get the model in one of "
            f"{known}"
        )
    called, block, block_bytes = BLOCKS[kind]
    if not sides or min(sides) < 1 or sides[0] % block:
        raise reader.refused(f"gives {name} the sides {sides}, which {called} cannot hold")
    length = prod(sides) // block * block_bytes
    if data + offset + length > reader.size:
        raise WeightsRefused(
            f"{reader.path.name} has {reader.size} bytes and {name} ends at {data + offset + length}; it is cut short: "
            "get it again"
        )
    shape = tuple(reversed(sides))
    original = facts.get(_ORIGINAL_SHAPE + name)
    if isinstance(original, list) and all(isinstance(side, int) for side in original):
        if prod(original) != prod(shape):
            raise reader.refused(f"gives {name} the shapes {shape} and {tuple(original)}, which disagree")
        shape = tuple(original)
    return GGUFTensor(called, shape, data + offset, length)


class _Reader:
    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.file, self.size = path, file, size

    def refused(self, said: str) -> WeightsRefused:
        return WeightsRefused(f"{self.path.name} {said}; the file is damaged: get it again")

    def take(self, length: int) -> bytes:
        taken = self.file.read(length)
        if len(taken) < length:
            raise WeightsRefused(f"{self.path.name} ends within its header; it is cut short: get it again")
        return taken

    def number(self, kind: str) -> Any:
        form = f"<{kind}"
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, most: int, what: str) -> int:
        found = int(self.number("Q"))
        if found > most:
            raise self.refused(f"claims {found} {what}; at most {most} are read")
        return found

    def text(self) -> str:
        raw = self.take(self.count(MAX_TEXT, "bytes of text"))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self.refused("holds a name that is no text") from None

    def fact(self) -> tuple[str, Any]:
        return self.text(), self.value(int(self.number("I")))

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind == _TEXT:
            return self.text()
        if kind != _LIST or depth > 2:
            raise self.refused(f"holds a value of type {kind}")
        of, length = int(self.number("I")), self.count(MAX_ITEMS, "items")
        if of in _NUMBERS:
            raw = self.take(struct.calcsize(f"<{_NUMBERS[of]}") * length)
            return list(struct.unpack(f"<{length}{_NUMBERS[of]}", raw)) if length <= MAX_SIDES else None
        for _ in range(length):
            self.value(of, depth + 1)
        return None

    def tensor(self) -> tuple[str, Claim]:
        name, dims = self.text(), int(self.number("I"))
        if dims > MAX_SIDES:
            raise self.refused(f"gives {name} {dims} sides; at most {MAX_SIDES} are read")
        sides = tuple(int(self.number("Q")) for _ in range(dims))
        return name, (sides, int(self.number("I")), int(self.number("Q")))
