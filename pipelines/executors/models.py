"""The models of one device: resident between nodes within a budget of bytes, loaded ahead, evicted by need."""

import gc
import importlib
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from assets.values import DiT, ModelHandle
from nodes.families import footprint
from nodes.models.handles import FAMILY
from pipelines.executors.memory import capacity, usable
from pipelines.executors.placement import MemoryPlan, lossy, memory_plan

COMPILE = "PATCHLOOM_COMPILE"
"""Of the environment: the backend of torch.compile for DiTs, "inductor" or another; "off" for none.

Without it, inductor for open weights where there is a CUDA device and Triton, which it makes kernels by. The built-in
DiT makes a clip in less time than its blocks take to compile.
"""


@dataclass(slots=True)
class Resident:
    """seconds: that it took to bring here. credit: what is evicted first has the least, see `Models`.

    plan: why it is where it is; None of the built-in family. streamed: what brings its blocks, where they stay with the
    host; bytes are those that it takes at most. compiled: what was made of its blocks, if they are compiled.
    """

    module: Any
    bytes: int
    seconds: float
    credit: float
    plan: MemoryPlan | None = None
    streamed: Any = None
    compiled: Any = None

    @property
    def weights(self) -> int:
        """Bytes of all of it."""
        return self.plan.weights if self.plan else self.bytes


class Models:
    """Loaded modules on one device.

    Evicted are those that cost the fewest seconds a byte to bring back and that were not used for long
    (GreedyDual-Size, Cao & Irani 1997). On an accelerator a module that is evicted stays in the host's memory, pinned,
    from where it is back at once. One that the device has no room for is streamed, see `memory_plan`. budget: bytes on
    the device; None: half of what it has, the rest is for the work.
    """

    def __init__(self, device: str, budget: int | None = None) -> None:
        self._device = device
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

    def get(self, handle: ModelHandle, work: int | None = None) -> Any:
        """The module of a handle, loaded where it is not; the loader's sentence if its weights cannot be read.

        It stays until the end of `using`. work: bytes that its work takes beside it, as far as that is foreseen; where
        the weights are is chosen by it, anew if need be.
        """
        name = _name(handle)
        with self._lock:
            first = name not in self._in_use
            self._in_use.add(name)
        return self._bring(handle, work, anew=first).module

    def plan(self, handle: ModelHandle) -> MemoryPlan | None:
        """Why the weights of a resident model are where they are."""
        found = self._resident.get(_name(handle))
        return found.plan if found else None

    def compiled(self, handle: ModelHandle) -> str:
        """What there is to say of how a resident model was compiled, once it has worked; "" where it was not."""
        found = self._resident.get(_name(handle))
        return str(found.compiled) if found and found.compiled else ""

    def seconds_compiling(self) -> float:
        """What this thread has spent on compiling models so far."""
        loaded = sys.modules.get("nodes.compiling")
        return float(loaded.seconds_compiling()) if loaded else 0.0

    def prefetch(self, handle: ModelHandle) -> Future[None]:
        """Begin to load a module that will be wanted soon. If it cannot be loaded, whoever wants it will hear.

        Open weights come as far as the host: where they are to be is chosen by their work, when they are asked for.
        """

        def load() -> None:
            with suppress(Exception):
                if handle.family != FAMILY:
                    self._bring_to_host(handle)
                else:
                    self._bring(handle, None, anew=False)

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

    def _bring(self, handle: ModelHandle, work: int | None, anew: bool) -> Resident:
        name = _name(handle)
        with self._lock:
            loading = self._loading[name]
        with loading:
            resident = self._resident.get(name)
            if resident and resident.plan and anew:
                plan = self._plan(handle, resident.plan.weights, work)
                if plan and plan.way != resident.plan.way:
                    with self._lock:
                        self._put_away(name, resident)
                    resident = None
                else:
                    resident.plan = plan
                    with self._lock:
                        self._make_room(self.bytes + plan.work - plan.room if plan and plan.work else 0)
            resident = resident or self._load(handle, work)
        resident.credit = self._floor + resident.seconds / max(resident.bytes, 1)
        return resident

    def _bring_to_host(self, handle: ModelHandle) -> None:
        name, started = _name(handle), time.perf_counter()
        with self._lock:
            loading = self._loading[name]
        with loading:
            if name not in self._resident and name not in self._host:
                module = _loaded(handle)
                self._host[name] = Resident(module, _bytes(module), time.perf_counter() - started, 0.0)
                self._bound_host()

    def _load(self, handle: ModelHandle, work: int | None) -> Resident:
        if handle.precision == "float8 matmul":
            importlib.import_module("nodes.families.formats.multiplied").require_float8(self._device)
        name, started = _name(handle), time.perf_counter()
        on_host = self._host.pop(name, None)
        module = on_host.module if on_host else _loaded(handle)
        size, streamed, compiled = _bytes(module), None, on_host.compiled if on_host else None
        plan = self._plan(handle, size, work)
        with self._lock:
            beyond = self.bytes + size + plan.work - plan.room if plan and plan.work else 0
            self._make_room(max(self.bytes + size - self._budget, beyond))
        if plan and plan.way == "streamed":
            streamed = importlib.import_module("nodes.streaming").Streamed(module, self._device)
            size = streamed.bytes
        else:
            module = module.to(self._device)
        if isinstance(handle, DiT) and not compiled and (backend := compiler(self._device, handle.family)):
            compiled = importlib.import_module("nodes.compiling").compile_blocks(module, backend)
        resident = Resident(module, size, time.perf_counter() - started, 0.0, plan, streamed, compiled)
        with self._lock:
            self._resident[name] = resident
        return resident

    def _plan(self, handle: ModelHandle, size: int, work: int | None) -> MemoryPlan | None:
        """None for models of the built-in family, which are small, and reach into their blocks."""
        if handle.family == FAMILY:
            return None
        blocks = footprint.blocks(handle)
        return memory_plan(size, usable(self._device), self._device, handle.memory, work, blocks, lossy(handle))

    def _make_room(self, wanted: int) -> None:
        """Evict so many bytes, or as many as there are that nothing uses."""
        for name, resident in sorted(self._resident.items(), key=lambda item: item[1].credit):
            if wanted > 0 and name not in self._in_use:
                self._put_away(name, resident)
                wanted -= resident.bytes
                self._floor = resident.credit

    def _put_away(self, name: ModelHandle, resident: Resident) -> None:
        """Off the device; an accelerator's is kept with the host."""
        del self._resident[name]
        if resident.streamed:
            resident.streamed.end()
        if self._device.startswith("cuda"):
            self._keep_on_host(name, resident)

    def _keep_on_host(self, name: ModelHandle, resident: Resident) -> None:
        """Pinned, so that the way back is one fast copy; those that were brought here first give way."""
        self._host[name] = resident
        with suppress(RuntimeError):  # the system may not let so much be pinned; then the way back is slower
            for tensor in (*resident.module.to("cpu").parameters(), *resident.module.buffers()):
                tensor.data = tensor.data.pin_memory()
        self._bound_host()

    def _bound_host(self) -> None:
        while sum(kept.weights for kept in self._host.values()) > capacity("cpu") // 2:
            del self._host[next(iter(self._host))]


def compiler(device: str, family: str) -> str:
    """The backend that a family's DiTs are compiled by; "" for none."""
    asked = os.environ.get(COMPILE, "")
    if asked:
        return "" if asked == "off" else asked
    pays = device.startswith("cuda") and family != FAMILY
    return "inductor" if pays and find_spec("triton") else ""


def _loaded(handle: ModelHandle) -> Any:
    """Its module, in the host's memory."""
    return importlib.import_module("nodes.models").load(handle, "cpu")


def _bytes(module: Any) -> int:
    size: int = importlib.import_module("nodes.streaming").size(module)
    return size


def _name(handle: ModelHandle) -> ModelHandle:
    """What a module is known by: all that its handle says but where the weights lie and are to be."""
    return replace(handle, path="", memory="automatic")
