"""What happens in a run, as one stream that the editor, the API and the command line read."""

from dataclasses import dataclass, fields
from typing import Any, Literal

Kind = Literal[
    "queued",
    "started",
    "step",
    "preview",
    "cached",
    "done",
    "failed",
    "skipped",
    "cancelled",
    "worker_died",
    "finished",
]


# Frozen would be right, but makes an event five times as slow to make, and a run makes thousands.
@dataclass(slots=True)
class Event:
    """One thing that happened; never changed. What does not belong to its kind is None.

    run, node: whose. A node ends by exactly one of cached, done, failed, skipped, cancelled; a run by finished.
    step, total: steps done, of how many. reused: steps that were not taken anew. seconds: that it took.
    outputs, specs: content digests and readable specs, by output name.
    error: a sentence (failed, skipped, worker_died). traceback: for a report of the fault.
    media_type, data, caption: a picture of a value that is still taking shape; `data` is never in the JSON.
    peak_bytes: device memory at most, or the process's where the device is the CPU. note: what a node lost for want of
    memory, in a sentence. memory: where the weights that it worked with were, and why.
    ran, cached, failed, skipped, cancelled: numbers of nodes, when finished.
    """

    kind: Kind
    run: str | None = None
    node: str | None = None
    step: int | None = None
    total: int | None = None
    reused: int | None = None
    seconds: float | None = None
    outputs: dict[str, str] | None = None
    specs: dict[str, str] | None = None
    error: str | None = None
    traceback: str | None = None
    media_type: str | None = None
    data: bytes | None = None
    caption: str | None = None
    note: str | None = None
    memory: str | None = None
    peak_bytes: int | None = None
    ran: int | None = None
    cached: int | None = None
    failed: int | None = None
    skipped: int | None = None
    cancelled: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data, without what is None and without the bytes."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self) if field.name != "data")
        return {name: value for name, value in named if value is not None}
