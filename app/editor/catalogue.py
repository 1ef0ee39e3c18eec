"""The node declarations as the page needs them: everything it draws of a node comes from the node's signature."""

from collections.abc import Mapping
from typing import Any

from nodes.api import Colour, Curve, FileName, Lines, ModelName, Node, Port, Range, Seed, Side, Widget
from pipelines.connect import WIDGET_SOURCES

AS_SAID = {"dit": "DiT", "vae": "VAE", "fps": "Frames per second", "scalar": "Value"}


def catalogue(library: Mapping[str, Node]) -> dict[str, Any]:
    """All declarations as JSON."""
    return {"nodes": {name: described(node) for name, node in library.items()}}


def described(node: Node) -> dict[str, Any]:
    return {
        "type": node.type,
        "version": node.version,
        "category": node.category,
        "label": node.label,
        "help": node.help,
        "keywords": list(node.keywords),
        "inputs": [_port(port) for port in node.inputs.values()],
        "outputs": [
            {"name": output.name, "label": words(output.name), "type": output.type} for output in node.outputs.values()
        ],
        "widgets": [_widget(widget) for widget in node.widgets.values()],
    }


def words(name: str) -> str:
    """`guidance_scale` as a person writes it: "Guidance scale"."""
    said = [AS_SAID.get(word, word) for word in name.split("_")]
    return " ".join([said[0] if said[0] in AS_SAID.values() else said[0].capitalize(), *said[1:]])


def _port(port: Port) -> dict[str, Any]:
    return {
        "name": port.name,
        "label": words(port.name),
        "type": port.type,
        "accepts": [port.type],
        "optional": port.optional,
        "help": port.help,
    }


def _widget(widget: Widget) -> dict[str, Any]:
    shown = {
        "name": widget.name,
        "label": words(widget.name),
        "type": widget.type,
        "default": widget.default,
        "accepts": list(WIDGET_SOURCES[widget.type]),
        "help": widget.help,
    }
    match widget.meta:
        case _ if widget.choices:
            return shown | {"kind": "choice", "choices": list(widget.choices)}
        case Side(lo, hi, step, of):
            return shown | {"kind": "number", "lo": lo, "hi": hi, "step": step, "side": of}
        case Range(lo, hi, step, free=free):
            return shown | {"kind": "number", "lo": lo, "hi": hi, "step": step, "free": free}
        case Lines(rows):
            return shown | {"kind": "lines", "rows": rows}
        case Seed():
            return shown | {"kind": "seed"}
        case FileName(mode, endings):
            return shown | {"kind": "file", "mode": mode, "endings": list(endings)}
        case ModelName(part, holds, optional=optional):
            return shown | {"kind": "model", "part": part, "holds": holds, "optional": optional}
        case Colour():
            return shown | {"kind": "colour"}
        case Curve(lo, hi, over):
            return shown | {"kind": "curve", "lo": lo, "hi": hi, "over": over}
    kinds = {"bool": "switch", "str": "text", "int": "number", "float": "number"}
    return shown | {"kind": kinds[widget.type]}
