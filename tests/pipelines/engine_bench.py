"""Workflows of small nodes, and an executor that runs them and keeps what it says."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import Any

from assets.files import Files
from assets.store import Store
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, wire_id
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor
from pipelines.executors.part import Summary

TIMEOUT = 120


def workflow(nodes: dict[str, tuple[str, dict[str, Any]]], *wires: str) -> Document:
    """`workflow({"a": ("words", {"text": "hi"}), "b": ("shout", {})}, "a.text -> b.text")`"""
    records: dict[str, Any] = {
        f"node:{name}": {"type": type_, "version": 1, "params": params} for name, (type_, params) in nodes.items()
    }
    for wire in wires:
        source, target = (end.strip().split(".") for end in wire.split("->"))
        records[wire_id(target)] = {"from": source, "to": target}
    return Document(records)


def changed(document: Document, node: str, **params: Any) -> Document:
    """The document with other widgets on one node."""
    record = document.nodes[node]
    new = {**record, "params": {**record["params"], **params}}
    return apply(document, RecordsDiff(updated={f"node:{node}": (record, new)}))


def spoil(store: Store, digest: str) -> None:
    """Damage a small blob, as a failing disk does."""
    database = sqlite3.connect(store.folder / "index.db")
    with database:
        database.execute("UPDATE blobs SET data = CAST(data || 'more' AS BLOB) WHERE digest = ?", (digest,))
    database.close()


class Bench:
    """An executor on a folder, with everything that it said."""

    def __init__(self, folder: Path, nodes: str = "small_nodes", inputs: Path | None = None) -> None:
        for name in ("inputs", "outputs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.files = Files((inputs or folder / "inputs",), folder / "outputs")
        self.store = Store(folder / "store")
        self.executor = LocalExecutor(self.store, self.files, threads=1, nodes=nodes)
        self.events: list[Event] = []
        self.executor.subscribe(self.events.append)

    def run(self, document: Document, targets: set[str] | None = None) -> Summary:
        return self.executor.wait(self.executor.submit(document, targets), TIMEOUT)

    def when(self, wanted: Callable[[Event], bool]) -> Flag:
        """A flag that is set by the first event of that kind."""
        flag = Flag()
        self.executor.subscribe(lambda event: flag.set() if wanted(event) else None)
        return flag

    def kinds(self, node: str, run: str | None = None) -> list[str]:
        return [event.kind for event in self.events if event.node == node and run in (None, event.run)]

    def close(self) -> None:
        self.executor.close()
        self.store.close()
