"""What a node is called with: widget values of their declared types, and what whoever runs it fills in."""

import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from assets.files import Files
from nodes import curve
from nodes.api import Colour, Curve, Node, Range, Widget
from nodes.context import Context, Workflow
from pipelines.strict_json import LARGEST_INT, Json

Number = int | float | bool | str
HEX_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
SWITCHES = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class WidgetError(ValueError):
    """A widget that holds what it cannot: what was got, what is needed."""


def coerce(widget: Widget, value: Json) -> Number:
    """`value` as the widget's declared type: 1, 1.0 and "1" are one int; WidgetError if it is none or not allowed."""
    made = CONVERTERS[widget.type](value)
    if made is None:
        raise WidgetError(f"{widget.name} holds {_shown(value)}; it needs {NEEDS[widget.type]}")
    if isinstance(made, int) and abs(made) >= LARGEST_INT:
        raise WidgetError(f"{widget.name} is {_shown(value)}; it needs a number of at most 18 digits")
    if widget.choices and made not in widget.choices:
        choices = ", ".join(map(str, widget.choices))
        raise WidgetError(f"{widget.name} is {_shown(value)}; choose one of: {choices}")
    if isinstance(widget.meta, Range) and not isinstance(made, str):
        _require_range(widget.name, made, widget.meta)
    if isinstance(made, str):
        return _normal_text(widget, made)
    return made


def widget_values(
    node: Node, params: Mapping[str, Json], wired: Collection[str] = ()
) -> tuple[dict[str, Number], dict[str, str]]:
    """The values of all widgets that are not wired, defaults filled in; and for each that is wrong a sentence."""
    values: dict[str, Number] = {}
    wrong: dict[str, str] = {}
    for name, widget in node.widgets.items():
        if name in wired:
            continue
        try:
            values[name] = coerce(widget, params[name]) if name in params else widget.default
        except WidgetError as error:
            wrong[name] = str(error)
    return values, wrong


@cache
def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters."""
    return tuple(inspect.signature(function).parameters)


def injected(
    function: Callable[..., Any], files: Files, context: Context | None = None, workflow: str = ""
) -> dict[str, Any]:
    """The arguments of type Files, Context and Workflow that a node or spec function asks for."""
    filled: dict[str, Any] = dict.fromkeys(of_type(function, Files), files)
    for name in of_type(function, Workflow):
        filled[name] = Workflow(workflow)
    for name in of_type(function, Context) if context is not None else ():
        filled[name] = context
    return filled


@cache
def of_type(function: Callable[..., Any], kind: type) -> tuple[str, ...]:
    """The names of a function's parameters of that type."""
    found = inspect.signature(function).parameters.values()
    return tuple(parameter.name for parameter in found if parameter.annotation in (kind, kind.__name__))


def _int(value: Json) -> int | None:
    if isinstance(value, str):
        value = _parsed(int, value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _float(value: Json) -> float | None:
    if isinstance(value, str):
        value = _parsed(float, value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    # Adding zero makes -0.0 the same as 0.0, which are equal and so must not differ in a key.
    return float(value) + 0.0


def _bool(value: Json) -> bool | None:
    return SWITCHES.get(str(value).lower()) if isinstance(value, bool | int | str) else None


def _str(value: Json) -> str | None:
    return value if isinstance(value, str) else None


CONVERTERS: dict[str, Callable[[Json], Number | None]] = {"int": _int, "float": _float, "bool": _bool, "str": _str}
NEEDS = {"int": "a whole number", "float": "a number", "bool": "on or off", "str": "a text"}


def _parsed(kind: type[int] | type[float], text: str) -> int | float | None:
    try:
        return kind(text)
    except ValueError:
        return None


def _require_range(name: str, value: float, bounds: Range) -> None:
    if not bounds.lo <= value <= bounds.hi:
        raise WidgetError(f"{name} is {value}; it needs {bounds.lo:g} to {bounds.hi:g}")
    if isinstance(value, int) and not bounds.free and (value - bounds.lo) % bounds.step:
        below = int(value - (value - bounds.lo) % bounds.step)
        above = int(below + bounds.step)
        near = f"{below} or {above}" if above <= bounds.hi else str(below)
        raise WidgetError(f"{name} is {value}; it goes from {bounds.lo:g} in steps of {bounds.step:g}; try {near}")


def _normal_text(widget: Widget, text: str) -> str:
    """The one way in which a colour or a curve is written, so that what is equal has one key."""
    match widget.meta:
        case Colour():
            if not HEX_COLOUR.fullmatch(text):
                raise WidgetError(f"{widget.name} is {_shown(text)}; it needs a colour like #ff8800")
            return text.lower()
        case Curve(lo, hi):
            try:
                return curve.written(curve.read(text, lo, hi)) if text.strip() else ""
            except ValueError as error:
                raise WidgetError(f"{widget.name}: {error}") from None
    return text


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
