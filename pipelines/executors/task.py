"""What a node is computed from: its widgets, and what the nodes before it gave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from assets.codec import result_digest
from assets.files import Files
from assets.store import Store
from assets.values import VALUE_TYPES, ModelHandle
from nodes.api import Node
from nodes.context import Workflow
from pipelines.arguments import Number, coerce, injected, of_type, parameters, widget_values
from pipelines.check import Library
from pipelines.connect import widget_content
from pipelines.document import Document, dumps
from pipelines.executors.needs import model_inputs
from pipelines.keys import node_key

Outputs = Mapping[str, Mapping[str, str]]
"""Content digests by node id and output name."""


class Task(NamedTuple):
    """One node to compute.

    key: what its result is kept under. widgets: also of those that are wired. inputs: digests by the name of the port.
    counted: those that the key has instead, see `counted`. workflow: the document's text, for a node that asks for it.
    """

    node: str
    key: str
    type: str
    widgets: dict[str, Number]
    inputs: dict[str, str]
    counted: dict[str, str]
    workflow: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a task depends on beside the document. numerics: the numerics class of the worker; may wait for it."""

    library: Library
    store: Store
    files: Files
    numerics: Callable[[], str]


def task_of(node: str, document: Document, outputs: Outputs, around: Surroundings, whole: Document) -> Task:
    """The task of a node whose sources all have outputs. whole: the document as a person has it, groups and all.

    BlobMissing if an input that has to be looked into is damaged; ValueError or OSError, with the sentence, if what the
    node reads from outside the graph is not there.
    """
    declared = around.library[document.nodes[node]["type"]]
    inputs = {name: outputs[source.node][source.name] for name, source in document.incoming[node].items()}
    widgets, _ = widget_values(declared, document.params(node), inputs)
    # What comes to a widget by wire counts as though it were set there: the same number, the same result.
    for name in declared.widgets.keys() & inputs.keys():
        widgets[name] = coerce(declared.widgets[name], widget_content(around.store.get(inputs.pop(name))))
    content = _content(declared, widgets, inputs, around) if declared.content else None
    counts = counted(declared, inputs, around.store)
    key = node_key(declared, widgets, counts, around.numerics(), content)
    workflow = dumps(whole) if of_type(declared.fn, Workflow) else ""
    return Task(node, key, declared.type, widgets, inputs, counts, workflow)


def counted(declared: Node, inputs: dict[str, str], store: Store) -> dict[str, str]:
    """Digests of what a node's result depends on: not on where a model's weights are while it works.

    A node that gives a model hands that on, so that for it all of its inputs count.
    """
    if any(issubclass(VALUE_TYPES[output.type], ModelHandle) for output in declared.outputs.values()):
        return inputs
    return inputs | {name: _result(inputs[name], store) for name in model_inputs(declared) if name in inputs}


@lru_cache(maxsize=256)
def _result(digest: str, store: Store) -> str:
    return result_digest(store.get(digest))


def _content(
    declared: Node, widgets: Mapping[str, Number], inputs: Mapping[str, str], around: Surroundings
) -> str | None:
    """What the node says that it reads from outside the graph."""
    assert declared.content
    wanted = set(parameters(declared.content))
    arguments: dict[str, Any] = {**dict.fromkeys(declared.inputs), **widgets}
    for name in wanted & inputs.keys():
        arguments[name] = around.store.get(inputs[name]).spec
    given = {name: value for name, value in arguments.items() if name in wanted}
    return declared.content(**given, **injected(declared.content, around.files))
