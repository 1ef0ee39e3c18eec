"""`--set node.param=value` and `-o file`: edits of a document made on the command line."""

from collections.abc import Mapping, Sequence

from nodes.api import Node
from pipelines.arguments import WidgetError, coerce
from pipelines.diff import with_param
from pipelines.document import Document
from pipelines.groups import with_faces
from pipelines.saved_names import saving_widgets


class AssignmentError(ValueError):
    """An assignment that names nothing or does not fit: what was got, what is needed, what to try."""


def assign(document: Document, assignments: Sequence[str], library: Mapping[str, Node]) -> Document:
    """The document with every `node.param=value` made; AssignmentError names the one that cannot be."""
    library = with_faces(library, document)
    for assignment in assignments:
        target, equals, text = assignment.partition("=")
        node, dot, param = target.rpartition(".")
        if not equals or not dot:
            raise AssignmentError(f"--set {assignment!r} is not of the form node.param=value")
        if node not in document.nodes:
            raise AssignmentError(f"there is no node {node!r}; the workflow has {', '.join(document.nodes)}")
        declared = library.get(document.nodes[node]["type"])
        widgets = declared.widgets if declared else {}
        if param not in widgets:
            raise AssignmentError(f"{node} has no {param!r} to set; it has {', '.join(widgets) or 'nothing to set'}")
        try:
            document = with_param(document, node, param, coerce(widgets[param], text))
        except WidgetError as refusal:
            raise AssignmentError(f"--set {assignment!r}: {refusal}") from None
    return document


def save_as(document: Document, name: str, library: Mapping[str, Node]) -> Document:
    """The document with its one saving node writing to `name`; AssignmentError if it has none or several."""
    savers = saving_widgets(document, library)
    if len(savers) != 1:
        found = ", ".join(f"{node}.{param}" for node, param in savers) or "none"
        raise AssignmentError(f"-o needs a workflow with one saving node; this one has {found}; use --set for several")
    node, param = savers[0]
    return with_param(document, node, param, name)
