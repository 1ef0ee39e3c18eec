"""Whether runs that differ in little are to go on at the same time."""

from assets.files import Files
from pipelines.check import Library, check
from pipelines.connect import known_widgets
from pipelines.document import Document
from pipelines.set_aside import as_run


def pays_together(document: Document, library: Library, files: Files, device: str) -> bool:
    """Whether the workflow has a node whose work, done as one with that of its like in other runs, takes less time."""
    document = as_run(document, library)
    together = {name: declared.together for name, declared in library.items() if declared.together}
    asked = {node: record["type"] for node, record in document.nodes.items() if record["type"] in together}
    if not asked:
        return False
    specs = check(document, library, files).specs
    for node, kind in asked.items():
        wired = document.incoming[node]
        known = {name: specs.get(source.node, {}).get(source.name) for name, source in wired.items()}
        widgets = known_widgets(library[kind], document.params(node), known)
        if together[kind].pays(device, known, widgets):
            return True
    return False
