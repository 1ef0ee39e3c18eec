"""One run as the queue and the history keep it."""

import secrets
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Entry:
    """A run that waits, goes on or has ended; its document is read by itself (`Book.document`).

    workflow: name of the workflow that it was queued from. label: what sets it apart from its like, e.g. "seed 4".
    targets: node ids that were asked for; None: all of them. sweep: id of the sweep that it is a cell of.
    created, began, ended: seconds since 1970. seconds: that the run took. forecast: what was expected
    of it when it began (`Forecast.to_json`).
    result: {"ran", "cached", "skipped", "cancelled": numbers of nodes, "failed": {node: sentence},
    "shown": [{"node", "output", "digest"}], "nodes": {node: {"seconds", "peak_bytes", "forecast"}} of those that ran}.
    """

    id: str
    workflow: str
    label: str = ""
    targets: tuple[str, ...] | None = None
    sweep: str | None = None
    state: State = "queued"
    created: float = 0.0
    began: float | None = None
    ended: float | None = None
    seconds: float | None = None
    forecast: dict[str, float] | None = None
    result: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For a list: everything but how long each node took."""
        return asdict(self) | {"result": {name: what for name, what in self.result.items() if name != "nodes"}}


def entry(
    workflow: str, targets: Collection[str] | None = None, label: str = "", sweep: str | None = None, **more: Any
) -> Entry:
    """A new run, with an id of its own."""
    wanted = None if targets is None else tuple(targets)
    return Entry(secrets.token_hex(8), workflow, label, wanted, sweep, created=time.time(), **more)
