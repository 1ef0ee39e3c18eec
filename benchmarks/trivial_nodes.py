"""Nodes that do next to nothing, so that what is measured is the engine. Both processes import them by name."""

from assets.values import Scalar, ScalarSpec
from nodes.api import REGISTRY, Node, node


def library() -> dict[str, Node]:
    return {name: declared for name, declared in REGISTRY.items() if declared.fn.__module__ == __name__}


def start_spec(value: float) -> ScalarSpec:
    return ScalarSpec(None)


@node(version=1, category="benchmark", spec=start_spec)
def start(*, value: float = 0.0) -> Scalar:
    """A number."""
    return Scalar(value)


def add_spec(a: ScalarSpec, b: ScalarSpec | None, by: float) -> ScalarSpec:
    return ScalarSpec(None)


@node(version=1, category="benchmark", spec=add_spec)
def add(a: Scalar, b: Scalar | None = None, *, by: float = 1.0) -> Scalar:
    """A sum, kept below a million so that a long chain does not overflow."""
    return Scalar((float(a.value) + (float(b.value) if b else 0.0) + by) % 1e6)
