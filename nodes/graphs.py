"""CUDA graphs: a step's work on the device recorded once, and played again without being asked for kernel by kernel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import torch
from torch import Tensor

from nodes.out_of_memory import first_line, out_of_memory

Predict = Callable[[Tensor, Tensor], Tensor]
FEW_TOKENS = 4096
"""Of a row, above which the device has more work than the host has asking for it, and a graph would only hold memory
that the work itself has freed."""
WARM = 2
"""Steps before it is recorded: in them blocks are compiled, texts read, kernels chosen."""
NEAR = 1e-3
"""How far what is played may be from what is computed, relative to the largest number."""


class Recording(Protocol):
    """What a step made, and how to make it again of what is put into its inputs."""

    made: Tensor

    def replay(self) -> None:
        """Do it again."""


Record = Callable[[Predict, Tensor, Tensor], Recording]


class CudaRecording:
    """`made` is filled anew by each `replay`. RuntimeError where the work waits for the device, or copies to it.

    Before it is recorded it is done once in the same stream, as torch.cuda.graphs says: what is set up once for a
    stream, as cuBLAS's workspace, is then no part of the recording, whose memory it would hold for ever.
    """

    def __init__(self, predict: Predict, x: Tensor, t: Tensor) -> None:
        self._graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        here, aside = torch.cuda.current_stream(x.device), torch.cuda.Stream(x.device)  # type: ignore[no-untyped-call]
        # Where recording fails, torch.cuda.graph leaves its own stream the current one: `here` is set again after it.
        with _one_at_a_time, torch.cuda.device(x.device), torch.cuda.stream(here):
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                predict(x, t)
            here.wait_stream(aside)
            try:
                # Other threads may use the device meanwhile: to load a model ahead, to write what was made.
                with torch.cuda.graph(self._graph, pool, aside, capture_error_mode="thread_local"):
                    self.made = predict(x, t)
            except BaseException:
                _abandon(self._graph, pool, x.device)
                raise

    def replay(self) -> None:
        self._graph.replay()


_one_at_a_time = threading.Lock()
"""There may be one recording in a process (torch.cuda.graph)."""
_abandoned: list[torch.cuda.CUDAGraph] = []


def _abandon(graph: torch.cuda.CUDAGraph, pool: Any, device: torch.device) -> None:
    """Have the allocator give out memory as ever after a recording that broke off.

    Where work was refused for waiting, the recording does not end as it should (CUDAGraph::capture_end), and the
    allocator goes on asking the graph whose memory is whose: so it is kept, a few hundred bytes.
    """
    _abandoned.append(graph)
    with suppress(RuntimeError):  # it has ended
        torch._C._cuda_endAllocateToPool(device.index or 0, pool)
    with suppress(RuntimeError):
        graph.reset()


class Replayed:
    """A prediction (tokens, levels) -> tokens that is recorded at its third call and played from there on.

    It has to depend on nothing but its arguments and on what lies on the device. It is recorded of the second call's
    arguments, and what it plays of the third's is held against what is computed: where they differ, as they would if
    something of a step had been recorded along, or where nothing can be recorded, it goes on as it was, and `failed`
    says why.
    """

    def __init__(self, predict: Predict, record: Record = CudaRecording) -> None:
        self._predict, self._record = predict, record
        self._calls = 0
        self._recording: Recording | None = None
        self._inputs: tuple[Tensor, Tensor] | None = None
        self.failed = ""

    @property
    def plays(self) -> bool:
        return self._recording is not None

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        self._calls += 1
        if self.failed or self._calls <= WARM:
            if self._calls == WARM:
                self._inputs = x.clone(), t.clone()
            return self._predict(x, t)
        assert self._inputs
        if (x.shape, t.shape) != tuple(each.shape for each in self._inputs):
            return self._predict(x, t)
        return self._recorded(x, t) if self._recording is None else self._played(self._recording, x, t)

    def _recorded(self, x: Tensor, t: Tensor) -> Tensor:
        assert self._inputs
        computed = self._predict(x, t)
        try:
            recording = self._record(self._predict, *self._inputs)
            played = self._played(recording, x, t)
        except Exception as error:
            if not isinstance(error, RuntimeError) and not out_of_memory(error):
                raise
            self._inputs = None
            self.failed = f"no CUDA graph: {first_line(error)}"
            return computed
        if float((played - computed).abs().max()) > NEAR * float(computed.abs().max()):
            self._inputs = None
            self.failed = "no CUDA graph: what it played was not what was computed"
        else:
            self._recording = recording
        return computed

    def _played(self, recording: Recording, x: Tensor, t: Tensor) -> Tensor:
        assert self._inputs
        for held, new in zip(self._inputs, (x, t), strict=True):
            held.copy_(new)
        recording.replay()
        return recording.made.clone()
