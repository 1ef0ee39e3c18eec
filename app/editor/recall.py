"""What the store already has of a workflow: so that its results are there when it is opened, without running it."""

from assets.files import Files
from assets.store import Store
from pipelines.check import Library
from pipelines.document import Document
from pipelines.executors.run import Run
from pipelines.executors.task import Surroundings
from pipelines.keys import numerics_class


def recall(document: Document, library: Library, store: Store, files: Files) -> dict[str, dict[str, str]]:
    """Output digests of every node whose result is stored: a run that computes nothing, and takes what it finds."""
    around = Surroundings(library, store, files, numerics_class)
    summary = Run("recall", document, None, around, worker=None, say=lambda event: None).perform()
    return {node: summary.outputs[node] for node in summary.cached}
