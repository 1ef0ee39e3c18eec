"""The order in which nodes can be done, without recursion, in O(nodes + wires)."""

from collections import defaultdict
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
    wanted: Collection[str] = document.nodes
    if targets is not None:
        found = upstream(document, targets)
        wanted = [node for node in document.nodes if node in found]
    order = _sorted(document, wanted)
    if len(order) == len(wanted):
        return Plan(tuple(order), ())
    loops = _loops(document, set(wanted).difference(order))
    looped = {node for loop in loops for node in loop}
    return Plan(tuple(_sorted(document, [node for node in wanted if node not in looped])), loops)


def upstream(document: Document, targets: Collection[str]) -> set[str]:
    """The targets and everything that they depend on."""
    found = {node for node in targets if node in document.nodes}
    waiting = list(found)
    while waiting:
        for source in document.sources[waiting.pop()]:
            if source in document.nodes and source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _sorted(document: Document, nodes: Collection[str]) -> list[str]:
    """Every node after those of `nodes` that it depends on, but none that depends on a loop (Kahn 1962)."""
    waits_for = dict.fromkeys(nodes, 0)
    followers: defaultdict[str, list[str]] = defaultdict(list)
    for node in nodes:
        for source in document.sources[node]:
            if source in waits_for:
                waits_for[node] += 1
                followers[source].append(node)
    order = [node for node, count in waits_for.items() if not count]
    for done in order:  # which grows meanwhile
        for node in followers[done]:
            waits_for[node] -= 1
            if not waits_for[node]:
                order.append(node)
    return order


def _loops(document: Document, nodes: Collection[str]) -> tuple[tuple[str, ...], ...]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((source, node) for node in nodes for source in document.sources[node])
    own = set(nx.nodes_with_selfloops(graph))
    return tuple(tuple(part) for part in nx.strongly_connected_components(graph) if len(part) > 1 or part & own)
