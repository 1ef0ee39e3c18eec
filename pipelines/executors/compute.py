"""One node computed in a worker, and what an artist reads if it fails."""

import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from assets.files import Files
from assets.values import Value
from nodes.api import Node
from nodes.out_of_memory import out_of_memory
from pipelines.arguments import injected
from pipelines.executors.memory import available, capacity
from pipelines.executors.run_context import RunContext


class InputsMissing(Exception):
    """Stored inputs that are gone or damaged, by port name: whoever made them has to make them again."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class NotEnoughMemory(MemoryError):
    """The device's memory was not enough, even with all of it given to one node."""


def compute(
    node: Node,
    task: Mapping[str, Any],
    inputs: Mapping[str, Value],
    files: Files,
    context: RunContext,
    make_room: Callable[[], None],
) -> dict[str, Value]:
    """The outputs of a task's node by name; NotEnoughMemory if they cannot be computed here.

    inputs: by the name of the port. make_room: gives up all memory that can be done without; called
    once if there was not enough.
    """
    try:
        return _once(node, task, inputs, files, context)
    except Exception as error:
        if not out_of_memory(error):
            raise
    # Only here, past the error, are the tensors free that its traceback held.
    make_room()
    context.short_of_memory = True
    try:
        return _once(node, task, inputs, files, context)
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise NotEnoughMemory(_memory_sentence(error, context.device)) from error


def _once(
    node: Node, task: Mapping[str, Any], inputs: Mapping[str, Value], files: Files, context: RunContext
) -> dict[str, Value]:
    arguments: dict[str, Any] = {**dict.fromkeys(node.inputs), **task["widgets"], **inputs}
    specs = {name: value.spec if name in node.inputs and value else value for name, value in arguments.items()}
    # What was unknown while wiring is known now; the spec function's sentence is better than torch's.
    node.output_specs({**specs, **injected(node.spec, files)})
    return node.by_output(node.fn(**arguments, **injected(node.fn, files, context, task["workflow"])))


def failure(error: Exception) -> dict[str, str]:
    """What the server is told of an exception."""
    return {"error": sentence(error), "traceback": "".join(traceback.format_exception(error))}


def sentence(error: Exception) -> str:
    """What an artist reads of an exception. ValueErrors of nodes are sentences already."""
    if out_of_memory(error) and not isinstance(error, NotEnoughMemory):
        return _memory_sentence(error, "cpu")
    if isinstance(error, ValueError | OSError | NotEnoughMemory) and str(error):
        return str(error)
    return f"the node itself failed, which is a fault in it: {type(error).__name__}: {error}; please report it"


def _memory_sentence(error: Exception, device: str) -> str:
    asked = re.search(r"\d[\d.]* ?(bytes|[KMGTPE]i?B)", str(error))
    free = available(device)
    had = f", of which {free / 1e9:.1f} GB are free now" if free is not None else ""
    return (
        f"there was not enough memory: {asked[0] if asked else 'more'} was asked for on {device}, which has "
        f"{capacity(device) / 1e9:.1f} GB{had}; try a smaller size, fewer frames, or close other programs"
    )
