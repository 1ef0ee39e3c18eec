"""The order in which nodes can be done, without recursion, in O(nodes + wires)."""

from collections.abc import Collection
from dataclasses import dataclass

import networkx as nx

from pipelines.document import Document


@dataclass(frozen=True, slots=True)
class Plan:
    """order: every node after those that it depends on. loops: the nodes that depend on themselves, by whole loops."""

    order: tuple[str, ...]
    loops: tuple[tuple[str, ...], ...]


def plan(document: Document, targets: Collection[str] | None = None) -> Plan:
    """What has to be done for `targets` (all nodes if None); targets that are not there are left out."""
    graph = dependencies(document)
    if targets is not None:
        graph = graph.subgraph(upstream(document, targets))
    own = set(nx.nodes_with_selfloops(graph))
    loops = tuple(tuple(part) for part in nx.strongly_connected_components(graph) if len(part) > 1 or part & own)
    looped = {node for loop in loops for node in loop}
    free = graph.subgraph(node for node in graph if node not in looped) if looped else graph
    return Plan(tuple(nx.topological_sort(free)), loops)


def dependencies(document: Document) -> "nx.DiGraph[str]":
    """An edge from each node to every node that takes one of its outputs."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(document.nodes)
    graph.add_edges_from(
        (wire.source.node, wire.target.node)
        for wire in document.wires
        if wire.source.node in document.nodes and wire.target.node in document.nodes
    )
    return graph


def upstream(document: Document, targets: Collection[str]) -> set[str]:
    """The targets and everything that they depend on."""
    found = {node for node in targets if node in document.nodes}
    waiting = list(found)
    while waiting:
        for source in document.incoming[waiting.pop()].values():
            if source.node in document.nodes and source.node not in found:
                found.add(source.node)
                waiting.append(source.node)
    return found
