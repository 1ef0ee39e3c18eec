"""The models of one device: resident between nodes within a budget of bytes, loaded ahead, evicted by need."""

import gc
import importlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from assets.values import ModelHandle
from nodes.models.handles import FAMILY
from pipelines.executors.memory import capacity
from pipelines.executors.placement import SETTING, Placement, placement


@dataclass(slots=True)
class Resident:
    """seconds: that it took to bring here. credit: what is evicted first has the least, see `Models`.

    streamed: its blocks stay with the host, and bytes are those that it takes at most.
    """

    module: Any
    bytes: int
    seconds: float
    credit: float
    streamed: bool


class Models:
    """Loaded modules on one device.

    Evicted are those that cost the fewest seconds a byte to bring back and that were not used for long
    (GreedyDual-Size, Cao & Irani 1997). On an accelerator a module that is evicted stays in the host's memory, pinned,
    from where it is back at once. One that the device has no room for is streamed. budget: bytes on the device; None:
    half of what it has, the rest is for the work. asked: where weights are to be, see `placement`; empty: as the
    environment says.
    """

    def __init__(self, device: str, budget: int | None = None, asked: str = "") -> None:
        self._device = device
        self._asked = asked or os.environ.get(SETTING, "automatic")
        self._budget = budget if budget is not None else capacity(device) // 2
        self._lock = threading.Lock()
        self._loading: defaultdict[ModelHandle, threading.Lock] = defaultdict(threading.Lock)
        self._resident: dict[ModelHandle, Resident] = {}
        self._host: dict[ModelHandle, Resident] = {}
        self._in_use: set[ModelHandle] = set()
        self._users = 0
        self._floor = 0.0
        self._ahead = ThreadPoolExecutor(1)

    @property
    def bytes(self) -> int:
        """What the resident modules take."""
        return sum(resident.bytes for resident in self._resident.values())

    @property
    def budget(self) -> int:
        return self._budget

    def has(self, handle: ModelHandle) -> bool:
        """Whether the module of a handle is resident."""
        return _name(handle) in self._resident

    def get(self, handle: ModelHandle) -> Any:
        """The module of a handle, loaded where it is not; the loader's sentence if its weights cannot be read.

        It stays until the end of `using`.
        """
        with self._lock:
            self._in_use.add(_name(handle))
        return self._bring(handle).module

    def prefetch(self, handle: ModelHandle) -> Future[None]:
        """Begin to load a module that will be wanted soon. If it cannot be loaded, whoever wants it will hear."""

        def load() -> None:
            with suppress(Exception):
                self._bring(handle)

        return self._ahead.submit(load)

    @contextmanager
    def using(self) -> Iterator[None]:
        """Around a node's work: what it gets is not evicted before all that are at work together are done."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._in_use.clear()

    def free(self) -> None:
        """Evict every module that is not in use."""
        with self._lock:
            self._make_room(self.bytes)
        gc.collect()
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()

    def _bring(self, handle: ModelHandle) -> Resident:
        name = _name(handle)
        with self._lock:
            loading = self._loading[name]
        with loading:
            resident = self._resident.get(name) or self._load(handle)
        resident.credit = self._floor + resident.seconds / max(resident.bytes, 1)
        return resident

    def _load(self, handle: ModelHandle) -> Resident:
        name, started = _name(handle), time.perf_counter()
        on_host = self._host.pop(name, None)
        module = on_host.module if on_host else importlib.import_module("nodes.models").load(handle, "cpu")
        streaming = importlib.import_module("nodes.streaming")
        size = streaming.size(module)
        streamed = self._way(handle, size) == "streamed"
        with self._lock:
            self._make_room(self.bytes + size - self._budget)
        if streamed:
            size = streaming.stream(module, self._device)
        else:
            module = module.to(self._device)
        resident = Resident(module, size, time.perf_counter() - started, 0.0, streamed)
        with self._lock:
            self._resident[name] = resident
        return resident

    def _way(self, handle: ModelHandle, size: int) -> Placement:
        """Models of the built-in family are small, and reach into their blocks."""
        if handle.family == FAMILY:
            return "resident"
        return placement(size, capacity(self._device), self._device, self._asked)

    def _make_room(self, wanted: int) -> None:
        """Evict so many bytes, or as many as there are that nothing uses."""
        for name, resident in sorted(self._resident.items(), key=lambda item: item[1].credit):
            if wanted > 0 and name not in self._in_use:
                del self._resident[name]
                wanted -= resident.bytes
                self._floor = resident.credit
                if self._device.startswith("cuda") and not resident.streamed:
                    self._keep_on_host(name, resident)

    def _keep_on_host(self, name: ModelHandle, resident: Resident) -> None:
        """Pinned, so that the way back is one fast copy; those that were brought here first give way."""
        self._host[name] = resident
        for tensor in (*resident.module.to("cpu").parameters(), *resident.module.buffers()):
            tensor.data = tensor.data.pin_memory()
        while sum(kept.bytes for kept in self._host.values()) > capacity("cpu") // 2:
            del self._host[next(iter(self._host))]


def _name(handle: ModelHandle) -> ModelHandle:
    """What a module is known by: all that its handle says but where the weights lie."""
    return replace(handle, path="")
