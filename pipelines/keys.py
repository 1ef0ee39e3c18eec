"""What a computation is kept under: its node, its settings and the content of its inputs, and nothing else.

Constructive traces (Mokhov, Mitchell, Peyton Jones, "Build Systems a la Carte", 2018): inputs count by what they are,
not by how they were made, so equal content downstream of a change cuts off early. Node ids and layout do not count.
"""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

from nodes.api import Node
from pipelines.arguments import Number
from pipelines.strict_json import canonical


def node_key(
    node: Node, widgets: Mapping[str, Number], inputs: Mapping[str, str], numerics: str, content: str | None = None
) -> str:
    """sha256 in hex.

    widgets: values of their declared types, defaults filled in; of one that is wired, what comes by the wire.
    inputs: content digests by the name of the port. numerics: see `numerics_class`.
    content: what stands for that which the node reads from outside the graph.
    """
    parts = ["v1", node.type, node.version, dict(widgets), dict(inputs), numerics, content]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


@cache
def numerics_class(device_architecture: str = platform.machine()) -> str:
    """Results are kept apart by what changes their last bits: dtype, device architecture, minor version of torch."""
    major, minor = version("torch").split(".")[:2]
    return f"float32/{device_architecture}/torch-{major}.{minor}"
