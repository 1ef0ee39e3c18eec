"""What the page shows of a group: how the nodes inside of it stand, what is wrong with them, what they give."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.editor.node_state import NodeState, Status
from nodes.api import Node
from pipelines.check import Problem, Report
from pipelines.document import Document, Port
from pipelines.groups import Flat, around, flatten

# The first that any node inside has is what the group has.
WEIGHTIEST: tuple[Status, ...] = ("running", "failed", "queued", "cancelled", "stale", "fresh", "cached")


@dataclass(frozen=True, slots=True)
class Outline:
    """The groups in use, by what their nodes are called.

    members: the nodes inside that run. outputs: whose output each of their outputs is. titles: of the members.
    """

    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Port]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


def outline(document: Document, running: Document, library: Mapping[str, Node]) -> Outline:
    """The groups of a document. running: the document as it runs."""
    flat = flatten(document)
    members: dict[str, list[str]] = {}
    for node in running.nodes if flat.uses else ():
        for group in around(node):
            members.setdefault(group, []).append(node)
    outputs = {
        group: {name: flat.source(Port(group, name)) for name in used.face.get("outputs", {})}
        for group, used in flat.uses.items()
    }
    titles = {node: title(node, flat, library) for inside in members.values() for node in inside}
    return Outline({group: tuple(inside) for group, inside in members.items()}, outputs, titles)


def title(node: str, flat: Flat, library: Mapping[str, Node]) -> str:
    """What a node is called on the canvas."""
    declared = library.get(flat.document.nodes[node]["type"])
    layout = flat.document.records.get(f"layout:{node}", {})
    return str(layout.get("title") or (declared.label if declared else node.rpartition("/")[2]))


def rolled_up(group: str, outline: Outline, states: Mapping[str, NodeState]) -> NodeState | None:
    """How a group stands: as the weightiest of its nodes, with their time in all and its own outputs.

    None before a run.
    """
    inside = outline.members[group]
    known = [(node, states[node]) for node in inside if node in states]
    if not known:
        return None
    node, state = min(known, key=lambda each: WEIGHTIEST.index(each[1].status))
    status = state.status
    if status in ("fresh", "cached") and len(known) < len(inside):
        status = "stale"
    took = [each.seconds for _, each in known if each.seconds is not None]
    given = {
        name: states[source.node].outputs[source.name]
        for name, source in outline.outputs.get(group, {}).items()
        if source.node in states and source.name in states[source.node].outputs
    }
    return replace(
        state,
        status=status,
        seconds=sum(took) if took else None,
        peak_bytes=max((each.peak_bytes for _, each in known if each.peak_bytes), default=None),
        message=f"{outline.titles[node]}: {state.message}" if state.message else None,
        outputs=given if outline.outputs.get(group) else known[-1][1].outputs,
    )


def with_groups(report: Report, document: Document, library: Mapping[str, Node]) -> Report:
    """A report with what it says of the nodes in groups said of the groups as well."""
    flat = flatten(document)
    if not flat.uses:
        return report
    specs = dict(report.specs)
    for group, used in flat.uses.items():
        sources = {name: flat.source(Port(group, name)) for name in used.face.get("outputs", {})}
        specs[group] = {
            name: report.specs[source.node][source.name]
            for name, source in sources.items()
            if source.name in report.specs.get(source.node, {})
        }
    ports = {
        (group, target): name
        for group, used in flat.uses.items()
        for name in (*used.face.get("inputs", {}), *used.face.get("widgets", {}))
        for target in flat.targets(Port(group, name))
    }
    said = [
        Problem(
            group,
            ports.get((group, Port(problem.node, problem.port))) if problem.port else None,
            problem.level,
            f"{title(problem.node, flat, library)}: {problem.sentence}",
        )
        for problem in report.problems
        if problem.node in flat.document.nodes
        for group in around(problem.node)
    ]
    return Report(specs, (*report.problems, *said))
