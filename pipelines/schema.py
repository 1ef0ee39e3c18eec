"""What a `*.loom.json` file looks like: the models that check one and the JSON Schema that is published.

`python -m pipelines.schema` writes the schema anew after a change here.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

FORMAT = "patchloom/1"
SCHEMA_FILE = Path(__file__).parent / "loom.schema.json"

NodeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
PortName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
InnerPort = Annotated[tuple[NodeId, PortName], Field(strict=False)]


class Open(BaseModel):
    """Keys that this version does not know are kept, for those that know them."""

    model_config = ConfigDict(extra="allow", strict=True)


class NodeRecord(Open):
    """A node. `params` holds the widgets that were set; the others have their defaults.

    mode: "bypass" has it passed by, "mute" left out (pipelines.set_aside).
    """

    type: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    version: Annotated[int, Field(ge=1)]
    params: dict[str, JsonValue] = {}
    mode: Literal["bypass", "mute"] | None = None


class WireRecord(Open):
    """A wire from an output to an input, each a pair of node id and port name. An input takes one wire."""

    source: Annotated[tuple[NodeId, PortName], Field(alias="from", strict=False)]
    target: Annotated[tuple[NodeId, PortName], Field(alias="to", strict=False)]


class LayoutRecord(Open):
    """Where a node (or a frame, a note) stands on the canvas, in pixels at zoom 1."""

    x: float
    y: float


class GroupFace(Open):
    """What a group shows outside: ports and widgets by name, each a pair of a node inside and its port or widget.

    An input may lead to several ports inside.
    """

    label: Annotated[str, StringConstraints(max_length=200)] = ""
    inputs: dict[PortName, list[InnerPort]] = {}
    outputs: dict[PortName, InnerPort] = {}
    widgets: dict[PortName, InnerPort] = {}


class Graph(Open):
    """Nodes, the wires among them and where they stand."""

    nodes: dict[NodeId, NodeRecord]
    wires: list[WireRecord] = []
    layout: dict[str, LayoutRecord] = {}


class GroupRecord(GroupFace, Graph):
    """A graph that is used as a node: a node of type `group:<name>` stands for all that is in it (pipelines.groups)."""


class LoomFile(Graph):
    """A Patchloom workflow."""

    format: Literal["patchloom/1"]
    groups: dict[NodeId, GroupRecord] = {}
    meta: dict[str, JsonValue] = {}


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of a workflow file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **LoomFile.model_json_schema(by_alias=True)}


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text())
