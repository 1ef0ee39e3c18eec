"""What the store already has of a workflow, found without running it."""

from collections.abc import Collection

from assets.files import Files
from assets.store import Store
from pipelines.check import Library
from pipelines.document import Document
from pipelines.executors.part import Part, Summary
from pipelines.executors.run import Run
from pipelines.executors.task import Surroundings
from pipelines.keys import numerics_class


def recall(
    document: Document, library: Library, store: Store, files: Files, targets: Collection[str] | None = None
) -> Summary:
    """A run that computes nothing, and takes what it finds: `cached` are the nodes whose results are stored."""
    around = Surroundings(library, store, files, numerics_class)
    part = Part("recall", document, targets, library)
    found: list[Summary] = []
    Run([part], around, None, say=lambda event: None, ended=lambda _, summary: found.append(summary)).perform()
    return found[0]
