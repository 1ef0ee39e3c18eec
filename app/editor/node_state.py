"""How one node stands: what it is doing, what it made, and whether that is still of the document as it is."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["queued", "running", "fresh", "cached", "stale", "failed", "cancelled"]


@dataclass(slots=True)
class NodeState:
    """basis: fingerprint of the node and all before it when it ran; another one now makes it stale.

    peak_bytes: of memory, at most. reused: of its steps, how many were not taken anew. message: why it failed, or what
    it lost for want of memory. memory: where the weights that it worked with were, and why.
    """

    status: Status
    basis: str = ""
    settled: Status | None = None
    step: int | None = None
    steps: int | None = None
    reused: int | None = None
    began: float | None = None
    seconds: float | None = None
    peak_bytes: int | None = None
    message: str | None = None
    memory: str | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    preview: tuple[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"status": self.status, "step": self.step, "steps": self.steps, "message": self.message}
        shown["seconds"], shown["reused"], shown["memory"] = self.seconds, self.reused, self.memory
        shown["peak_bytes"] = self.peak_bytes
        shown["elapsed"] = (
            time.monotonic() - self.began if self.began is not None and self.status == "running" else None
        )
        shown["views"] = [
            {"output": name, "digest": digest, "url": f"/view/{digest}"} for name, digest in self.outputs.items()
        ]
        if self.preview:
            shown["preview"] = {"url": self.preview[0], "media_type": self.preview[1]}
        return {key: value for key, value in shown.items() if value is not None}
