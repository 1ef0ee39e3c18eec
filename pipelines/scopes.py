"""Where a record belongs: to the workflow itself, or to the inside of a group.

Inside a group ids begin with its name, so that a document stays one flat set of records: `node:look:blur` is the node
"blur" of the group "look", and a wire in there goes from "look:blur" to "look:sharpen". In the file, and in the
document that stands for the inside of a group, they are "blur" and "sharpen".
"""

from collections.abc import Mapping

from pipelines.strict_json import Json

INSIDE = ("node", "wire", "layout")


def scope_of(record_id: str) -> str:
    """The name of the group that a record is inside of; "" for the workflow itself."""
    kind, _, name = record_id.partition(":")
    group, colon, _ = name.partition(":")
    return group if colon and kind in INSIDE else ""


def scoped(group: str, record_id: str, record: Json) -> tuple[str, Json]:
    """A record as it is called outside the group that it is inside of."""
    kind, _, name = record_id.partition(":")
    if kind == "wire":
        ends = {end: [f"{group}:{record[end][0]}", record[end][1]] for end in ("from", "to")}
        record = {**record, **ends}
    return f"{kind}:{group}:{name}", record


def unscoped(group: str, record_id: str, record: Json) -> tuple[str, Json]:
    """A record as it is called inside its group; ValueError for a wire that leaves it."""
    kind, _, name = record_id.partition(":")
    prefix = f"{group}:"
    if kind == "wire":
        if not all(str(record[end][0]).startswith(prefix) for end in ("from", "to")):
            raise ValueError(f"it leaves the group {group!r}; give the group a port for it")
        record = {**record, **{end: [record[end][0].removeprefix(prefix), record[end][1]] for end in ("from", "to")}}
    return f"{kind}:{name.removeprefix(prefix)}", record


def by_scope(records: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """The records of the workflow under "", those inside each group under its name, called as they are in there.

    What is inside a group that is gone is left out.
    """
    scopes: dict[str, dict[str, Json]] = {"": {}}
    scopes |= {key.removeprefix("group:"): {} for key in records if key.startswith("group:")}
    for key, record in records.items():
        scope = scope_of(key)
        if not scope:
            scopes[""][key] = record
        elif scope in scopes:
            inside, called = unscoped(scope, key, record)
            scopes[scope][inside] = called
        elif key.startswith("layout:"):
            scopes[""][key] = record
    return scopes
