"""Whether a remembered result still holds outside the store: files that were saved, weights that a handle names."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from assets.files import FileRefused, Files
from assets.store import BlobMissing, Store
from assets.values import VALUE_TYPES, ModelHandle, SavedFile
from nodes.api import Node


def still_there(node: Node, outputs: Mapping[str, str], store: Store, files: Files) -> bool:
    """False where a node has to run again: its saved file or its weights are gone, or the file has changed."""
    return all(
        _holds(outputs[name], store, files)
        for name, output in node.outputs.items()
        if issubclass(VALUE_TYPES[output.type], SavedFile | ModelHandle)
    )


def _holds(digest: str, store: Store, files: Files) -> bool:
    try:
        value = store.get(digest)
        if isinstance(value, ModelHandle):
            return Path(value.path).exists()
        assert isinstance(value, SavedFile)
        with files.target(value.name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == value.digest
    except (BlobMissing, FileRefused, OSError):
        return False
