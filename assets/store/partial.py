"""What a node had made when it was interrupted: one file a key, to which each step is appended.

It is worth a run's time, not its result: nothing is synced, and a step that is torn is left out. Several processes may
append to one file: equal keys make equal steps, so of each step the first is taken.
"""

import errno
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import safetensors.numpy

from assets.codec import Framework, as_numpy, as_tensor
from assets.values.array import Array

MARK = b"loomstep"
KEPT_SECONDS = 14 * 24 * 3600
HEAD = struct.Struct("<8sQQI")


class Partial:
    """The steps that were kept under a node's key, oldest first."""

    def __init__(self, path: Path) -> None:
        """path: of its file, which the first step makes."""
        self._path = path
        self._count: int | None = None

    def append(self, tensors: dict[str, Array]) -> None:
        """Keep one more step: arrays or tensors by name, of the dtypes that numpy has."""
        if self._count is None:
            self._count = len(self._steps())
        data = safetensors.numpy.save({name: as_numpy(tensor) for name, tensor in tensors.items()})
        # A step of a small model is short, so each call here counts: no file object, no look at the folder, no copy.
        file = self._opened()
        try:
            written = os.writev(file, [HEAD.pack(MARK, self._count, len(data), zlib.crc32(data)), data])
        finally:
            os.close(file)
        if written < HEAD.size + len(data):
            raise OSError(errno.ENOSPC, f"a step of {len(data)} bytes could not be kept whole in {self._path.parent}")
        self._count += 1

    def all(self, framework: Framework = "numpy") -> list[dict[str, Array]]:
        """Every whole step up to the first that is missing; as torch tensors (on the CPU) where asked for."""
        steps = self._steps()
        self._count = len(steps)
        loaded = (safetensors.numpy.load(data) for data in steps)
        return [
            {name: as_tensor(array) if framework == "torch" else array for name, array in step.items()}
            for step in loaded
        ]

    def delete(self) -> None:
        """Forget all steps, as the node is done."""
        self._path.unlink(missing_ok=True)
        self._count = 0

    def _opened(self) -> int:
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            return os.open(self._path, how, 0o666)
        except FileNotFoundError:
            self._path.parent.mkdir(exist_ok=True)
            return os.open(self._path, how, 0o666)

    def _steps(self) -> list[bytes]:
        found: dict[int, bytes] = {}
        content = self._path.read_bytes() if self._path.exists() else b""
        for number, data in _whole(content):
            found.setdefault(number, data)
        steps: list[bytes] = []
        while len(steps) in found:
            steps.append(found[len(steps)])
        return steps


def sweep_partials(folder: Path) -> None:
    """Delete what nobody has gone on with for long."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.stat().st_mtime < time.time() - KEPT_SECONDS:
            path.unlink(missing_ok=True)


def _whole(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The steps that are whole, with their numbers; after a torn one it goes on at the next mark."""
    at = content.find(MARK)
    while 0 <= at <= len(content) - HEAD.size:
        _, number, length, checksum = HEAD.unpack_from(content, at)
        start = at + HEAD.size
        data = content[start : start + length]
        if len(data) == length and zlib.crc32(data) == checksum:
            yield number, data
            at = content.find(MARK, start + length)
        else:
            at = content.find(MARK, at + 1)
