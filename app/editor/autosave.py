"""What of an open workflow is brought to disk as it is edited: the document, everybody's undo, and versions of it."""

import asyncio
import sqlite3
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from app.editor.history import History
from app.editor.past import Past
from app.editor.versions import Pauses, Why
from pipelines.document import Document, save


class Due(NamedTuple):
    """A version that is to be kept, of the workflow as it was at that time."""

    document: Document
    why: Why
    at: float


class Autosave:
    """Told of what happens on the event loop; `save` writes in a thread, on frozen documents."""

    def __init__(self, name: str, path: Path, document: Document, history: History, past: Past) -> None:
        self._name = name
        self._path = path
        self._history = history
        self._past = past
        self._written = document
        self._pauses = Pauses(path.stat().st_mtime)
        self._due: deque[Due] = deque()

    def will_edit(self, document: Document) -> None:
        """The document is about to be edited: after a pause, as it is now is a version."""
        last = self._pauses.edited(time.time())
        if last is not None and document.nodes:
            self._due.append(Due(document, "paused", last))

    def keep(self, document: Document, why: Why) -> None:
        """The document as it is now is a version."""
        self._due.append(Due(document, why, time.time()))

    def is_behind(self, document: Document) -> bool:
        """Whether there is something to bring to disk."""
        return document is not self._written or bool(self._due)

    async def save(self, document: Document) -> str | None:
        """Bring all to disk; or a sentence that says why it cannot be, and it is tried again the next time."""
        changes = self._history.take_unkept()
        due, self._due = self._due, deque()

        def write() -> None:
            if document is not self._written:
                save(document, self._path)
            self._past.undo.write(self._name, changes)
            while due:
                self._past.versions.keep(self._name, due[0].document, due[0].why, at=due[0].at)
                due.popleft()

        try:
            await asyncio.to_thread(write)
        except (OSError, sqlite3.Error) as error:
            self._history.take_none_as_kept()
            self._due = due + self._due
            why = error.strerror if isinstance(error, OSError) else str(error)
            return f"{self._path} cannot be written ({why}); your edits are kept here until it can"
        self._written = document
        return None
