"""Nodes as older versions wrote them, brought up to date where they are read: files, the clipboard, presets, undo.

They compute what they did. A version that only computes something else needs nothing here; one that renames a widget,
or takes another kind of value in it, does. All that names the widget goes with it: what a group shows of it and what
the group's uses set there, the app view, and a wire into it, which the check refuses where the new widget cannot take
what comes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pipelines.nesting import GROUP
from pipelines.scopes import scope_of
from pipelines.strict_json import Json

Records = Mapping[str, Json]


class Renamed(NamedTuple):
    """A widget from the next version on. taken: what it was set to as it is set now; None where that says nothing."""

    before: str
    now: str
    taken: Callable[[Json], Json | None]


def upgraded(records: Records) -> dict[str, Json]:
    """The records with each node in the newest version that is known here."""
    made = dict(records)
    waiting: list[tuple[str, Renamed]] = []
    for key in [key for key in records if key.startswith("node:")]:
        for version in sorted(at for kind, at in STEPS if kind == made[key]["type"] and at >= made[key]["version"]):
            waiting.append((key.removeprefix("node:"), STEPS[made[key]["type"], version]))
            made[key] = {**made[key], "version": version + 1}
    done = set()
    for node, step in waiting:  # which grows meanwhile: a group that shows the widget is a node with one of its own
        if (node, step) in done:
            continue
        done.add((node, step))
        _rename(made, node, step)
        waiting.extend((use, Renamed(port, port, step.taken)) for use, port in _shown(made, node, step))
    return made


def upgraded_params(node_type: str, version: int, params: Records) -> dict[str, Json]:
    """The settings of a node that stands alone."""
    made: dict[str, Json] = upgraded({"node:": {"type": node_type, "version": version, "params": params}})["node:"]
    return dict(made["params"])


def upgraded_part(part: Records, around: Records) -> dict[str, Json]:
    """Records that name nodes and groups which are not among them. around: those, of whatever version; see `aged`."""
    known = {
        key: {**record, "version": 1, "params": {}} if "type" in record else record for key, record in around.items()
    }
    return {key: record for key, record in upgraded({**known, **part}).items() if key in part or key not in known}


def aged(records: Records) -> dict[str, Json]:
    """Of the records the nodes of types that were upgraded once, and what may show their widgets: groups and uses."""
    kinds = {kind for kind, _ in STEPS}
    return {
        key: record
        for key, record in records.items()
        if key.startswith(GROUP) or (key.startswith("node:") and record["type"].startswith((*kinds, GROUP)))
    }


def _rename(made: dict[str, Json], node: str, step: Renamed) -> None:
    """Call the widget of one node as it is called now, wherever it is named."""
    record = made[f"node:{node}"]
    if "params" in record:
        made[f"node:{node}"] = {**record, "params": _set_anew(record["params"], step)}
    wire = made.get(f"wire:{node}.{step.before}")
    if wire and step.now != step.before:
        del made[f"wire:{node}.{step.before}"]
        made.setdefault(f"wire:{node}.{step.now}", {**wire, "to": [node, step.now]})
    layout = made.get(f"layout:{node}")
    if layout and isinstance(layout.get("ports"), list):
        ports = [step.now if name == step.before else name for name in layout["ports"]]
        made[f"layout:{node}"] = {**layout, "ports": ports}
    app = made.get("meta:app")
    if isinstance(app, dict) and isinstance(app.get("widgets"), list):
        ends = [[node, step.now] if end == [node, step.before] else end for end in app["widgets"]]
        made["meta:app"] = {**app, "widgets": ends}


def _set_anew(params: dict[str, Json], step: Renamed) -> dict[str, Json]:
    taken = step.taken(params[step.before]) if step.before in params else None
    if taken is None:
        return params
    return {**{name: value for name, value in params.items() if name != step.before}, step.now: taken}


def _shown(made: dict[str, Json], node: str, step: Renamed) -> Iterator[tuple[str, str]]:
    """Have the group around a node show the widget by its new name; yields its uses, and what they call the widget."""
    group = scope_of(f"node:{node}")
    face = made.get(f"{GROUP}{group}")
    if not face:
        return
    before, now = ([node.removeprefix(f"{group}:"), name] for name in (step.before, step.now))

    def renamed(end: Any) -> Any:
        return now if list(end) == before else end

    inputs = {port: [renamed(end) for end in ends] for port, ends in face.get("inputs", {}).items()}
    widgets = {port: renamed(end) for port, end in face.get("widgets", {}).items()}
    made[f"{GROUP}{group}"] = face | ({"inputs": inputs} if inputs else {}) | ({"widgets": widgets} if widgets else {})
    uses = [key.removeprefix("node:") for key, record in made.items() if _uses(key, record, f"{GROUP}{group}")]
    # Where the group as it is now is known and a use of then is read, it shows the widget by its new name already.
    ports = [port for port, end in face.get("widgets", {}).items() if list(end) in (before, now)]
    yield from ((use, port) for use in uses for port in ports)


def _uses(key: str, record: Json, group: str) -> bool:
    return key.startswith("node:") and bool(record["type"] == group)


def _colour(gray: Json) -> Json | None:
    if not isinstance(gray, int) or isinstance(gray, bool) or not 0 <= gray <= 255:
        return None
    return "#" + 3 * f"{gray:02x}"


STEPS: dict[tuple[str, int], Renamed] = {
    ("flatten", 1): Renamed("gray", "colour", _colour),
}
"""(type, version) -> what changes in the next version."""
