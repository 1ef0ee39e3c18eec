"""The earlier results of one node of a workflow: of the runs that were, those whose results the store still has."""

from collections.abc import Mapping
from typing import Any

from app.editor.board import fingerprints
from assets.files import Files
from assets.store import Store
from nodes.api import Node
from pipelines.plan import upstream
from pipelines.queue import Book
from pipelines.recall import recall
from pipelines.set_aside import as_run

RUNS, MOST = 100, 30


def earlier_results(
    node: str, workflow: str, book: Book, library: Mapping[str, Node], store: Store, files: Files
) -> list[dict[str, Any]]:
    """[{"run", "at", "outputs": {output: digest}, "settings": {node: params}}], the last first, each result once.

    node: as it is called in a run. settings: its own, and those of all nodes that it was made from. Nothing runs for
    this: the graph of each of the last runs is looked up in the store.
    """
    results: list[dict[str, Any]] = []
    looked_at: set[str] = set()
    seen: set[tuple[tuple[str, str], ...]] = set()
    for run in book.runs_of(workflow, RUNS):
        document = book.document(run.id)
        running = as_run(document, library)
        basis = fingerprints(running).get(node)
        if basis is None or basis in looked_at:
            continue
        looked_at.add(basis)
        outputs = recall(document, library, store, files, [node]).outputs.get(node, {})
        content = tuple(sorted(outputs.items()))
        if not outputs or content in seen:
            continue
        seen.add(content)
        settings = {each: running.params(each) for each in upstream(running, [node])}
        results.append({"run": run.id, "at": run.ended, "outputs": outputs, "settings": settings})
        if len(results) == MOST:
            break
    return results
