"""What the page knows of each node's run: status, progress, live preview, results. No part of the document."""

import hashlib
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from app.editor.node_state import NodeState, Status
from app.editor.outline import Outline, rolled_up
from pipelines.document import Document
from pipelines.events import Event
from pipelines.groups import around
from pipelines.plan import plan, upstream


@dataclass(frozen=True, slots=True)
class Picture:
    """A value that is still taking shape."""

    revision: str
    media_type: str
    data: bytes


class Board:
    """The run states of one workflow's nodes; `take_changes` gives what is new since it was last asked."""

    def __init__(self, workflow: str) -> None:
        self.workflow = workflow
        self.nodes: dict[str, NodeState] = {}
        self._outline = Outline()
        self.run: dict[str, Any] = {"active": False, "done": 0, "total": 0}
        self.pictures: dict[str, Picture] = {}
        self._began = 0.0
        self._basis: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._changed: set[str] = set()
        self._run_changed = False
        self._revision = 0
        # Previews are cached by address; an address of an earlier server must not come back.
        self._server = secrets.token_hex(4)

    def begin(self, document: Document, targets: list[str] | None) -> None:
        """A run of `targets` (all nodes if None) was asked for."""
        self._basis = self._now = fingerprints(document)
        wanted = document.nodes.keys() if targets is None else upstream(document, targets)
        for node in wanted:
            old = self.nodes.get(node)
            kept = old.outputs if old else {}
            self._set(node, NodeState("queued", outputs=kept, basis=old.basis if old else ""))
        self._began = time.monotonic()
        self.run = {"active": True, "done": 0, "total": len(wanted)}
        self._run_changed = True

    def remember(self, document: Document, outputs: dict[str, dict[str, str]]) -> None:
        """Results of `document` that were found in the store; what has run meanwhile is newer."""
        found = fingerprints(document)
        for node, digests in outputs.items():
            if node not in self.nodes:
                self._set(node, NodeState("cached", basis=found[node], settled="cached", outputs=digests))

    def see(self, event: Event) -> None:
        """Take in one event of the run."""
        if event.kind == "finished":
            self._finish()
        elif event.node is not None:
            self._see_node(event.node, event)

    def _see_node(self, node: str, event: Event) -> None:
        state = self.nodes.get(node) or NodeState("queued")
        match event.kind:
            case "started":
                state = NodeState("running", outputs=state.outputs, began=time.monotonic())
            case "step":
                state.status, state.step, state.steps = "running", event.step, event.total
            case "preview":
                if event.data and event.media_type:
                    self._revision += 1
                    revision = f"{self._server}-{self._revision}"
                    self.pictures[node] = Picture(revision, event.media_type, event.data)
                    state.preview = (f"/preview/{self.workflow}/{node}/{revision}", event.media_type)
            case "done" | "cached":
                settled: Status = "fresh" if event.kind == "done" else "cached"
                basis = self._basis.get(node, "")
                state = NodeState(
                    settled if self._now.get(node) == basis else "stale",
                    basis=basis,
                    settled=settled,
                    seconds=event.seconds,
                    peak_bytes=event.peak_bytes,
                    outputs=event.outputs or {},
                    reused=event.reused,
                    message=event.note,
                    memory=event.memory,
                    steps=event.total,
                )
            case "failed":
                state = NodeState("failed", self._basis.get(node, ""), settled="failed", message=event.error)
            case "skipped":
                state = NodeState("cancelled", outputs=state.outputs, message=event.error)
            case "cancelled":
                state = NodeState("cancelled", outputs=state.outputs)
            case _:
                return
        self._set(node, state)
        if event.kind in ("done", "cached", "failed", "skipped", "cancelled"):
            self.run["done"] += 1
            self._run_changed = True

    def _finish(self) -> None:
        for node, state in self.nodes.items():
            if state.status in ("queued", "running"):
                self._set(node, NodeState("cancelled", outputs=state.outputs))
        self.run = {**self.run, "active": False}
        self._run_changed = True

    def follow(self, document: Document, outline: Outline | None = None) -> None:
        """The document changed: say which results are no longer of it, and which are of it again.

        outline: of the groups that it was before they were unfolded; they are told of as well.
        """
        earlier, now = self._now, fingerprints(document)
        self._now = now
        before, self._outline = self._outline, outline or Outline()
        regrouped = before.members.items() ^ self._outline.members.items()
        self._changed |= {group for group, _ in regrouped} - self.nodes.keys()
        gone = {node: self.nodes[node] for node in self.nodes if node not in now}
        # A node that is called otherwise now, as when it was put into a group, is as it was.
        settled = {earlier.get(node): state for node, state in gone.items() if state.settled}
        for node in now.keys() - self.nodes.keys():
            if now[node] in settled:
                self._set(node, replace(settled[now[node]]))
        for node in gone:
            del self.nodes[node]
            self.pictures.pop(node, None)
            self._changed.add(node)
        for node, state in self.nodes.items():
            if state.settled is None:
                continue
            status: Status = state.settled if now[node] == state.basis else "stale"
            if status != state.status:
                state.status = status
                self._changed.add(node)

    def take_changes(self) -> list[dict[str, Any]]:
        """Messages for the pages; empty if nothing changed."""
        messages: list[dict[str, Any]] = []
        if self._changed:
            messages.append({"kind": "nodes", "nodes": self._shown(self._changed)})
        if self._run_changed:
            messages.append({"kind": "run", "run": self.shown_run()})
        self._changed, self._run_changed = set(), False
        return messages

    def everything(self) -> dict[str, Any]:
        return self._shown([*self.nodes, *self._outline.members])

    def shown_run(self) -> dict[str, Any]:
        return self.run | {"elapsed": time.monotonic() - self._began if self.run["active"] else 0}

    def _shown(self, nodes: Iterable[str]) -> dict[str, Any]:
        told = {node: self.nodes.get(node) for node in nodes}
        for group in {group for node in told for group in (*around(node), node)} & self._outline.members.keys():
            told[group] = rolled_up(group, self._outline, self.nodes)
        return {node: state.to_json() if state else None for node, state in told.items()}

    def _set(self, node: str, state: NodeState) -> None:
        self.nodes[node] = state
        self._changed.add(node)


def fingerprints(document: Document) -> dict[str, str]:
    """For each node what it and everything before it are set to; positions do not count."""
    planned = plan(document)
    found: dict[str, str] = dict.fromkeys(document.nodes, "loop")
    for node in planned.order:
        record = document.nodes[node]
        inputs = {name: [found.get(source.node), source.name] for name, source in document.incoming[node].items()}
        # A browser writes 4 for 4.0.
        params = {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in record.get("params", {}).items()
        }
        parts = [record["type"], record["version"], params, inputs]
        found[node] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return found
