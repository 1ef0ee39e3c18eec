"""What is wrong with a workflow, and what flows on each wire, known before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from assets.files import Files
from assets.values import Spec
from nodes.api import Node, collected_warnings
from pipelines.arguments import WidgetError, coerce, injected, parameters, widget_values
from pipelines.connect import fits, refusal, widget_content
from pipelines.document import Document, Port
from pipelines.groups import flatten, flattened, with_faces
from pipelines.nesting import group_of
from pipelines.plan import plan, upstream
from pipelines.set_aside import passed_through, without_set_aside

Library = Mapping[str, Node]
Specs = dict[str, dict[str, Spec]]


@dataclass(frozen=True, slots=True)
class Problem:
    """port: the input or widget that it is about; None where it is the node as a whole."""

    node: str
    port: str | None
    level: Literal["error", "warning"]
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """specs: of the outputs of each node, by name; a node is missing where they are unknown."""

    specs: Specs
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> dict[str, Problem]:
        """The first error of each node that has one."""
        return {problem.node: problem for problem in reversed(self.problems) if problem.level == "error"}


def check(document: Document, library: Library, files: Files) -> Report:
    """Infer the specs of every output and find every problem, in O(nodes + wires).

    What stands downstream of an error is unknown, not wrong as well. Of nodes that are set aside (pipelines.set_aside)
    nothing is wrong, and those that are bypassed have the specs of what they pass through. Groups are unfolded: what is
    found is of the nodes inside.
    """
    library = with_faces(library, document)
    given = flattened(document)
    document = without_set_aside(given, library)
    specs: Specs = {}
    problems: list[Problem] = []
    planned = plan(document)
    for loop in planned.loops:
        sentence = f"this node waits for itself, in a loop of {', '.join(sorted(loop)[:5])}; remove a wire of the loop"
        problems.extend(Problem(node, None, "error", sentence) for node in loop)
    for node in planned.order:
        made, found = check_node(document, node, document.incoming[node], specs, library, files)
        problems.extend(found)
        if made is not None:
            specs[node] = made
    for node in given.nodes.keys() - document.nodes.keys():
        declared = library.get(given.nodes[node]["type"])
        through = {
            name: passed_through(given, Port(node, name), library) for name in (declared.outputs if declared else ())
        }
        known = {name: specs.get(source.node, {}).get(source.name) for name, source in through.items() if source}
        specs[node] = {name: spec for name, spec in known.items() if spec is not None}
    return Report(specs, tuple(problems))


def why_not(
    document: Document, source: Port, target: Port, library: Library, files: Files, report: Report | None = None
) -> str | None:
    """Why a wire from `source` to `target` cannot be, as a sentence; None if it can.

    report: of `check(document, ...)`, for whoever asks of many ports in turn.
    """
    library = with_faces(library, document)
    flat = flatten(document)
    document, source, targets = flat.document, flat.source(source), flat.targets(target)
    report = report or check(document, library, files)
    reasons = (_why_not(document, source, each, library, files, report) for each in targets)
    return next(filter(None, reasons), None) if targets else f"{target.node!r} has no input {target.name!r} (any more)"


def _why_not(
    document: Document, source: Port, target: Port, library: Library, files: Files, report: Report
) -> str | None:
    for port in (source, target):
        if port.node not in document.nodes:
            return f"there is no node {port.node!r} (any more)"
    if target.node in upstream(document, [source.node]):
        return f"{source.node!r} depends on {target.node!r} already; this wire would close a loop"
    wired = {**document.incoming[target.node], target.name: source}
    taker = library.get(document.nodes[target.node]["type"])
    if mismatch := wire_problem(document, source, taker, target.name, library):
        return mismatch
    _, problems = check_node(document, target.node, wired, report.specs, library, files)
    about_wire = (problem for problem in problems if problem.level == "error" and problem.port in (None, target.name))
    return next((problem.sentence for problem in about_wire), None)


def wire_problem(document: Document, source: Port, taker: Node | None, name: str, library: Library) -> str | None:
    """What is wrong with a wire to an input or widget of `taker`, as far as types and names tell."""
    if source.node not in document.nodes:
        return f"the wire comes from {source.node!r}, which is gone; wire the input anew"
    giver = library.get(document.nodes[source.node]["type"])
    if taker and name not in taker.inputs and name not in taker.widgets:
        return f"{taker.label} has no input {name!r}; it has: {', '.join([*taker.inputs, *taker.widgets])}"
    if giver and source.name not in giver.outputs:
        return f"{giver.label} has no output {source.name!r}; it has: {', '.join(giver.outputs)}"
    if giver and taker:
        source_type = giver.outputs[source.name].type
        end = taker.inputs.get(name) or taker.widgets[name]
        return None if fits(source_type, end) else refusal(source_type, end, library)
    return None


def check_node(
    document: Document, node: str, wired: Mapping[str, Port], specs: Specs, library: Library, files: Files
) -> tuple[dict[str, Spec] | None, list[Problem]]:
    """The output specs of a node, None where unknown, and its problems; `specs` holds those of the nodes before it."""
    record = document.nodes[node]
    declared = library.get(record["type"])
    problems: list[Problem] = []

    def error(port: str | None, sentence: str) -> None:
        problems.append(Problem(node, port, "error", sentence))

    if declared is None and (group := group_of(record["type"])):
        error(None, f"this workflow has no group {group[:80]!r} (any more); it is kept as it is, but cannot run")
        return None, problems
    if declared is None:
        error(None, f"there is no node type {record['type'][:80]!r} here; it is kept as it is, but cannot run")
        return None, problems
    if record["version"] > declared.version:
        sentence = f"this node was made for version {record['version']} of {declared.label}, newer than the one here"
        problems.append(Problem(node, None, "warning", f"{sentence}; results may differ; update Patchloom"))

    params = document.params(node)
    arguments, wrong = widget_values(declared, params, wired)
    for name, sentence in wrong.items():
        error(name, sentence)
    for name in params.keys() - declared.widgets.keys():
        known = ", ".join(declared.widgets) or "none"
        sentence = f"{declared.label} has no widget {name[:80]!r}, so it is not used; it has: {known}"
        problems.append(Problem(node, name, "warning", sentence))
    inputs: dict[str, Any] = dict.fromkeys(declared.inputs)
    unknown: set[str] = set()
    for name, source in wired.items():
        mismatch = wire_problem(document, source, declared, name, library)
        spec = specs.get(source.node, {}).get(source.name)
        if mismatch:
            error(name, mismatch)
        elif spec is None:
            unknown.add(name)
        elif name in declared.inputs:
            inputs[name] = spec
        elif (content := widget_content(spec)) is None:
            unknown.add(name)
        else:
            try:
                arguments[name] = coerce(declared.widgets[name], content)
            except WidgetError as refused:
                giver = library[document.nodes[source.node]["type"]].label
                error(name, f"{refused}; it comes by wire, from {giver}: change it there")
    for name, port in declared.inputs.items():
        if name not in wired and not port.optional:
            error(name, f"the input {name!r} of {declared.label} is not wired; it needs a {port.type}")
    if any(problem.level == "error" for problem in problems) or not unknown.isdisjoint(parameters(declared.spec)):
        return None, problems

    with collected_warnings() as warnings:
        made, refused_by_spec = infer(declared, {**arguments, **inputs}, files)
    problems.extend(Problem(node, None, "warning", sentence) for sentence in warnings)
    if refused_by_spec:
        error(None, refused_by_spec)
    return made, problems


def infer(node: Node, arguments: Mapping[str, Any], files: Files) -> tuple[dict[str, Spec] | None, str | None]:
    """The output specs, or the sentence with which the node's spec function refuses."""
    try:
        return node.output_specs({**arguments, **injected(node.spec, files)}), None
    except (ValueError, OSError) as refused:
        return None, str(refused)
    except Exception as fault:
        return None, f"{node.label} could not be checked ({type(fault).__name__}: {fault}); this is a fault in the node"
