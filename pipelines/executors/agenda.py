"""Which nodes of a run can be attempted now, and which wait for others."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


class Agenda:
    """Ready nodes come out in the order of the plan; O((nodes + wires) log nodes) for a whole run."""

    def __init__(self, order: Sequence[str], sources: Mapping[str, Iterable[str]]) -> None:
        """order: every node after those that it depends on. sources: of each node; those not in order are settled."""
        self._order = order
        self._place = {node: place for place, node in enumerate(order)}
        self._waits_for = dict.fromkeys(order, 0)
        self._waiting: defaultdict[str, list[str]] = defaultdict(list)
        self._ready: list[int] = []
        self._is_ready: set[str] = set()
        for node in order:
            self.wait(node, {source for source in sources[node] if source in self._place})

    @property
    def head(self) -> str | None:
        """The next node that is ready, if any."""
        return self._order[self._ready[0]] if self._ready else None

    def pop(self) -> str:
        node = self._order[heapq.heappop(self._ready)]
        self._is_ready.remove(node)
        return node

    def after(self, node: str) -> Sequence[str]:
        """The nodes that come later in the plan."""
        return self._order[self._place[node] + 1 :]

    def put(self, node: str) -> None:
        """Have a node attempted (again): at once, or after those that it waits for."""
        if node not in self._is_ready and not self._waits_for[node]:
            self._is_ready.add(node)
            heapq.heappush(self._ready, self._place[node])

    def wait(self, node: str, others: Iterable[str]) -> None:
        """Have a node attempted (again) as soon as all of the others are settled (anew)."""
        for other in others:
            self._waits_for[node] += 1
            self._waiting[other].append(node)
        if not self._waits_for[node]:
            self.put(node)

    def settle(self, node: str) -> None:
        """Its outputs are known, or it is known that there will be none: those that wait for it may be ready now."""
        for waiting in self._waiting.pop(node, ()):
            self._waits_for[waiting] -= 1
            if not self._waits_for[waiting]:
                self.put(waiting)
