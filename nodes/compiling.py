"""The blocks of a DiT compiled for the device: the same but for rounding, and faster after a wait at the first run."""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._dynamo.callback import callback_handler
from torch._dynamo.exc import RestartAnalysis

from nodes.out_of_memory import first_line, out_of_memory
from nodes.streaming import repeated_blocks

KEPT = 256
"""Shapes of weights, kinds of layers and layouts that one kind of block is compiled for before it is left as it is."""


class Compiled:
    """What is made of blocks by a backend of torch.compile, for all DiTs whose blocks have the same kinds of layers.

    So a LoRA, which is another set of weights, costs no compiling. A graph that the backend fails at, while it compiles
    or when that first runs, is run as it is, and `failed` says why; so is every one after it.
    """

    def __init__(self, name: str) -> None:
        if name not in (known := torch.compiler.list_backends(exclude_tags=())):
            raise ValueError(
                f"Got {name!r} to compile models by; needs off, or one of {', '.join(known)}. It is named by "
                "PATCHLOOM_COMPILE."
            )
        self._name = name
        self._backend = torch._dynamo.lookup_backend(name)
        self._graphs = 0
        self.failed = ""

    def __call__(self, graph: fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
        try:
            made = self._backend(graph, inputs)
        except RestartAnalysis:  # the tracer is to begin again, knowing more
            raise
        except Exception as error:
            self._fail(error)
            return graph.forward
        self._graphs += 1

        def run(*arguments: Any) -> Any:
            if not self.failed:
                try:
                    return made(*arguments)
                except Exception as error:
                    if out_of_memory(error):
                        raise
                    uncompiled = graph.forward(*arguments)  # where that fails too, the compiler is not to blame
                    self._fail(error)
                    return uncompiled
            return graph.forward(*arguments)

        return run

    def __str__(self) -> str:
        """What there is to say of it once the blocks have run."""
        if self.failed:
            return f"blocks run as they are, since {self._name} could not compile them ({self.failed})"
        if not self._graphs:
            return f"blocks run as they are, since torch could not trace them for {self._name}; the log says why"
        return f"blocks compiled by {self._name}"

    def _fail(self, error: Exception) -> None:
        self.failed = f"{type(error).__name__}: {first_line(error)}"


def compile_blocks(module: nn.Module, backend: str) -> Compiled:
    """Compile each block at its first run: once for all that are alike, for clips of every size and any weights.

    Hooks of a block, as those that bring its weights, stay outside of what is compiled. Where the machine cannot (no
    C++ compiler, no Triton), the blocks run as they are, and what is given says why. backend: of torch.compile.
    ValueError where it has none of that name.
    """
    blocks = repeated_blocks(module, alike=True)
    made = _compiled(backend, frozenset(type(layer) for block in blocks for layer in block.modules()))
    torch._dynamo.config.suppress_errors = True
    torch._dynamo.config.recompile_limit = KEPT
    torch._dynamo.config.force_nn_module_property_static_shapes = False  # of a text's keys, see families/once.py
    torch.fx.experimental._config.use_duck_shape = False  # as many tokens as rows of text are so by chance
    if _begin not in callback_handler.start_callbacks:
        callback_handler.register_start_callback(_begin)
        callback_handler.register_end_callback(_end)
    for block in blocks:
        block.forward = torch.compile(block.forward, dynamic=True, backend=made)
    return made


def as_they_are(module: nn.Module) -> None:
    """Let blocks that were compiled run uncompiled."""
    for block in repeated_blocks(module, alike=True):
        block.__dict__.pop("forward", None)


@cache
def _compiled(backend: str, layers: frozenset[type[nn.Module]]) -> Compiled:
    return Compiled(backend)


class _Spent(threading.local):
    """By the thread that waited for it."""

    seconds = 0.0
    began = 0.0


_spent = _Spent()


def _begin(_: object) -> None:
    _spent.began = time.perf_counter()


def _end(_: object) -> None:
    _spent.seconds += time.perf_counter() - _spent.began


def seconds_compiling() -> float:
    """What this thread has spent on compiling so far."""
    return _spent.seconds
