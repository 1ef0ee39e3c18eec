"""What a node needs of the worker that computes it."""

from assets.files import Files
from assets.values import VALUE_TYPES, ModelHandle
from nodes.api import Node
from pipelines.arguments import of_type


def model_inputs(node: Node) -> list[str]:
    """The names of the inputs that take a model: a node that has one computes on the device."""
    return [name for name, port in node.inputs.items() if issubclass(VALUE_TYPES[port.type], ModelHandle)]


def needs_alone(node: Node) -> str | None:
    """What only one node at a time may have: the device for its models, the folder of outputs to write to."""
    if model_inputs(node):
        return "models"
    return "files" if of_type(node.fn, Files) else None
