"""A file of its own for every point of a sweep, so that none writes over another's."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from nodes.api import FileName, Node
from pipelines.arguments import coerce
from pipelines.diff import with_param
from pipelines.document import Document
from pipelines.groups import flatten, records_of, with_faces
from pipelines.plan import upstream

LONGEST = 48


class Setting(NamedTuple):
    """A widget that was set at a point. label: of its value, e.g. "guidance 4"."""

    node: str
    widget: str
    label: str


def saved_apart(document: Document, settings: Iterable[Setting], library: Mapping[str, Node]) -> Document:
    """The document with every saved file named after the settings that reach it: `clip-seed-3-guidance-4.mp4`.

    What none of them reaches keeps its name, as all points save the same; and so does a name that is itself set.
    """
    settings = list(settings)
    flat = flatten(document)
    library = with_faces(library, document)
    for node, widget in saving_widgets(document, library):
        if f"wire:{node}.{widget}" in document.records or any(one[:2] == (node, widget) for one in settings):
            continue
        before = flat.records_behind(upstream(flat.document, flat.called(node)))
        parts = [_part(one.label) for one in settings if one.node in before]
        if len(set(parts)) == 1:  # seeds that go up together
            parts = parts[:1]
        if parts:
            record = document.records[f"node:{node}"]
            declared = library[record["type"]].widgets[widget]
            file = PurePosixPath(str(coerce(declared, record.get("params", {}).get(widget, declared.default))))
            renamed = file.with_name("-".join([file.stem, *parts]) + file.suffix) if file.name else file
            document = with_param(document, node, widget, str(renamed))
    return document


def saving_widgets(document: Document, library: Mapping[str, Node]) -> list[tuple[str, str]]:
    """(node, widget) of every widget that names a file to be written, in groups too."""
    return [
        (node, widget.name)
        for node, record in records_of(document).items()
        if record["type"] in library
        for widget in library[record["type"]].widgets.values()
        if isinstance(widget.meta, FileName) and widget.meta.mode == "save"
    ]


def _part(label: str) -> str:
    """A label as a part of a file name; where that loses something, a digest keeps it apart from others."""
    readable = re.sub(r"[^\w.+-]+", "-", label).strip("-.")
    if len(readable) <= LONGEST and readable == label.replace(" ", "-") and not re.search(r"\w-", label):
        return readable
    digest = hashlib.sha256(label.encode()).hexdigest()[:6]
    return "-".join(filter(None, [readable[:LONGEST].rstrip("-."), digest]))
