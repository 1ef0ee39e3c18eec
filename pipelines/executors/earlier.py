"""A stored result that a node can go on from: its own, but for how far it went."""

from nodes.api import Node, Range
from pipelines.executors.task import Surroundings, Task
from pipelines.keys import node_key


def earlier(task: Task, declared: Node, around: Surroundings) -> dict[str, str]:
    """Digests by output name of what the task's node gave when it went farthest, all else being equal; or nothing."""
    if declared.goes_on is None or declared.goes_on.widget not in task.widgets:
        return {}
    name = declared.goes_on.widget
    bounds = declared.widgets[name].meta
    assert isinstance(bounds, Range), f"{declared.type}.{name} says how far to go; it needs a Range"
    numerics = around.numerics()
    for far in (0, *range(int(bounds.hi), 0, -1)):
        key = node_key(declared, {**task.widgets, name: far}, task.counted, numerics)
        if key != task.key and (outputs := around.store.lookup(key)):
            return outputs
    return {}
