"""One node computed in a worker, and what an artist reads if it fails."""

import traceback
from collections.abc import Mapping
from typing import Any

from assets.files import Files
from assets.values import Value
from nodes.api import Node
from pipelines.arguments import coerce, injected
from pipelines.connect import widget_content
from pipelines.executors.run_context import RunContext


class InputsMissing(Exception):
    """Stored inputs that are gone or damaged, by port name: whoever made them has to make them again."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def compute(
    node: Node, task: Mapping[str, Any], inputs: Mapping[str, Value], files: Files, context: RunContext
) -> dict[str, Value]:
    """The outputs of a task's node by name. inputs: by the name of the port or wired widget."""
    arguments: dict[str, Any] = {**dict.fromkeys(node.inputs), **task["widgets"]}
    for name, value in inputs.items():
        widget = node.widgets.get(name)
        arguments[name] = coerce(widget, widget_content(value)) if widget else value
    specs = {name: value.spec if name in node.inputs and value else value for name, value in arguments.items()}
    # What was unknown while wiring is known now; the spec function's sentence is better than torch's.
    node.output_specs({**specs, **injected(node.spec, files)})
    return node.by_output(node.fn(**arguments, **injected(node.fn, files, context, task["workflow"])))


def failure(error: Exception) -> dict[str, str]:
    """What the server is told of an exception."""
    return {"error": sentence(error), "traceback": "".join(traceback.format_exception(error))}


def sentence(error: Exception) -> str:
    """What an artist reads of an exception. ValueErrors of nodes are sentences already."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"there was not enough memory ({error}); try a smaller size, fewer frames, or close other programs"
    if isinstance(error, ValueError | OSError) and str(error):
        return str(error)
    return f"the node itself failed, which is a fault in it: {type(error).__name__}: {error}; please report it"
