"""Nodes as older versions wrote them, brought up to date when a file is read: they compute what they did.

A version that only computes something else needs nothing here; one that renames or removes a widget does.
"""

from collections.abc import Callable
from typing import Any

Params = dict[str, Any]


def upgraded(node: dict[str, Any]) -> dict[str, Any]:
    """A node's record in the newest version that is known here; the same one where there is nothing to do."""
    while step := STEPS.get((node["type"], node["version"])):
        node = {**node, "version": node["version"] + 1, "params": step(node.get("params", {}))}
    return node


def _gray_is_a_colour(params: Params) -> Params:
    gray = params.get("gray")
    if not isinstance(gray, int) or isinstance(gray, bool) or not 0 <= gray <= 255:
        return params
    rest = {name: value for name, value in params.items() if name != "gray"}
    return {"colour": "#" + 3 * f"{gray:02x}", **rest}


STEPS: dict[tuple[str, int], Callable[[Params], Params]] = {
    ("flatten", 1): _gray_is_a_colour,
}
"""(type, version) -> what the params are in the next version."""
