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
    return recalled(document, Surroundings(library, store, files, numerics_class), targets).summary(0.0)


def recalled(document: Document, around: Surroundings, targets: Collection[str] | None = None) -> Part:
    """As `recall`, with all that was found out on the way; a run of the same need not do it again."""
    part = Part("recall", document, targets, around.library)
    Run([part], around, None, say=lambda event: None, ended=lambda name, summary: None).perform()
    return part
