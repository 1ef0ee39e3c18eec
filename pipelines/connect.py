"""Which output fits which input: the one place that knows of conversions.

The same type fits. What loses nothing happens by itself: an image is a clip of one frame already, a text goes into a
text widget, a number, switch or choice goes into a widget of its kind. What loses something is a node, which a refusal
names.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from nodes.api import Node, Port, Widget
from pipelines.arguments import Number, WidgetError, coerce, widget_values
from pipelines.strict_json import Json

WIDGET_SOURCES = {"int": ("Scalar",), "float": ("Scalar",), "bool": ("Scalar",), "str": ("Text", "Scalar")}


def fits(source_type: str, target: Port | Widget) -> bool:
    """Whether an output of that value type may be wired to a port or to a widget (which makes it a port)."""
    if isinstance(target, Widget):
        return source_type in WIDGET_SOURCES[target.type]
    return source_type == target.type


def refusal(source_type: str, target: Port | Widget, library: Mapping[str, Node]) -> str:
    """The sentence for two types that do not fit, with the nodes that would convert."""
    if isinstance(target, Widget):
        wanted = " or ".join(WIDGET_SOURCES[target.type])
        return f"this output is a {source_type}; the widget {target.name!r} takes a {wanted}"
    sentence = f"this output is a {source_type}; the input {target.name!r} takes a {target.type}"
    ways = [node.label for node in converters(source_type, target.type, library)]
    return f"{sentence}; put in between: {' or '.join(ways)}" if ways else sentence


def converters(source_type: str, target_type: str, library: Mapping[str, Node]) -> list[Node]:
    """Nodes that make one type of the other."""
    return [
        node
        for node in library.values()
        if any(port.type == source_type for port in node.inputs.values())
        and any(output.type == target_type for output in node.outputs.values())
    ]


def known_widgets(declared: Node, params: Mapping[str, Json], wired: Mapping[str, Any]) -> dict[str, Number]:
    """The values of a node's widgets, as far as they are known and legal.

    wired: what is known of what comes by wire, a value or a spec, by the name of the port or widget.
    """
    values, _ = widget_values(declared, params, wired)
    for name in wired.keys() & declared.widgets.keys():
        content = widget_content(wired[name])
        with suppress(WidgetError):
            if content is not None:
                values[name] = coerce(declared.widgets[name], content)
    return values


def widget_content(carrier: Any) -> Number | None:
    """What a text or scalar, or the spec of one, puts into a widget; None where only a run will tell."""
    content: Number | None = getattr(carrier, "text", None)
    return content if content is not None else getattr(carrier, "value", None)
