"""How much memory there is, and how much a node took at most."""

import ctypes
import re
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from nodes.machine import card_bytes, host_bytes

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
MEMINFO = Path("/proc/meminfo")


def capacity(device: str) -> int:
    """Bytes of memory that a device has in all."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[1]
    return host_bytes()


def usable(device: str) -> int:
    """Bytes of a device's memory that this process has or may get: less what others hold of an accelerator's."""
    if not device.startswith("cuda"):
        return capacity(device)
    import torch

    return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)


def told_capacity(device: str) -> int | None:
    """`capacity` for a process that has no torch; None where nobody says."""
    return card_bytes(device.partition(":")[2] or "0") if device.startswith("cuda") else capacity(device)


def available(device: str) -> int | None:
    """Bytes of a device's memory that are free, None where the system does not say."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[0]
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", MEMINFO.read_text() if MEMINFO.exists() else "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def give_back() -> None:
    """Let what was freed go back to the system, so that it does not count as resident; where the C library is glibc."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class PeakMemory:
    """`with PeakMemory(device) as memory: ...`, then `memory.peak`: bytes, 0 where the system does not say.

    On CUDA what torch allocated at most; else the peak resident size of the process, which Linux lets us reset. What
    runs beside it counts too, and what was freed but not given back. grown: by how much that is above what was
    allocated before; 0 where it is not CUDA, as a process holds much beside tensors.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self.peak = 0
        self._before = 0

    @property
    def grown(self) -> int:
        return self.peak - self._before if self._device.startswith("cuda") else 0

    def __enter__(self) -> Self:
        if self._device.startswith("cuda"):
            import torch

            self._before = torch.cuda.memory_allocated(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            try:
                CLEAR.write_text("5")
            except OSError:
                self._device = "unknown"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._device.startswith("cuda"):
            import torch

            self.peak = torch.cuda.max_memory_allocated(self._device)
        elif self._device != "unknown":
            found = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
            self.peak = int(found[1]) * 1024 if found else 0
