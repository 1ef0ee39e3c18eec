"""How much memory a node took at most."""

import re
from pathlib import Path
from types import TracebackType
from typing import Self

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


class PeakMemory:
    """`with PeakMemory(device) as memory: ...`, then `memory.peak`: bytes, 0 where the system does not say.

    On CUDA what torch allocated at most; else the peak resident size of the process, which Linux lets us reset.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self.peak = 0

    def __enter__(self) -> Self:
        if self._device.startswith("cuda"):
            import torch

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
