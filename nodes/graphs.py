"""CUDA graphs: a step's work on the device recorded once, and played again without being asked for kernel by kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

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
    """`made` is filled anew by each `replay`. RuntimeError where the work waits for the device, or copies to it."""

    def __init__(self, predict: Predict, x: Tensor, t: Tensor) -> None:
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(x.device):
            torch.cuda.synchronize()
            # Other threads may use the device meanwhile: to load a model ahead, to write what was made.
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self.made = predict(x, t)

    def replay(self) -> None:
        self._graph.replay()


class Replayed:
    """A prediction (tokens, levels) -> tokens that is recorded at its third call and played from there on.

    It has to depend on nothing but its arguments and on what lies on the device. The first thing that is played is
    held against what is computed; where they differ, or nothing can be recorded, it goes on as it was, and `failed`
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
            return self._predict(x, t)
        if self._recording is None:
            return self._recorded(x, t)
        assert self._inputs
        if (x.shape, t.shape) != tuple(each.shape for each in self._inputs):
            return self._predict(x, t)
        return self._played(self._recording, x, t)

    def _recorded(self, x: Tensor, t: Tensor) -> Tensor:
        computed = self._predict(x, t)
        self._inputs = x.clone(), t.clone()
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
