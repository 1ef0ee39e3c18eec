"""The workflows of a workspace, by name: which there are, which are open, and how a new one comes in."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from app.editor.open_workflow import OpenWorkflow
from app.editor.past import Past
from app.editor.queue_feed import QueueFeed
from app.settings import Settings
from app.shipped import ENDING, shipped_file
from assets.files import FileRefused, Files
from assets.store import Store
from nodes.api import Node
from pipelines.document import Document, DocumentError, load, loads, save
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor
from pipelines.queue import Queue

FIRST = "text_to_video"


class Workspace:
    """One for the server: the open workflows share the store, the library of nodes and the queue."""

    def __init__(self, settings: Settings, library: Mapping[str, Node]) -> None:
        self.settings = settings
        self.library = library
        budgets = settings.budgets
        self.store = Store(settings.store, budgets.cache_disk_bytes)
        self.executor = LocalExecutor(self.store, settings.files, settings.device, ram_bytes=budgets.cache_ram_bytes)
        self.queue = Queue(settings.home, self.executor, library, self.store, settings.files, settings.device)
        self.past = Past(settings.home)
        self.opened: dict[str, OpenWorkflow] = {}
        self.feed = QueueFeed(self.queue, self.opened)

    def names(self) -> list[str]:
        """All workflows, the last changed first."""
        files = sorted(self.settings.workflows.glob(f"*{ENDING}"), key=lambda file: file.stat().st_mtime, reverse=True)
        return [file.name.removesuffix(ENDING) for file in files]

    def open(self, name: str) -> OpenWorkflow:
        """The workflow of that name; called on the event loop.

        DocumentError if there is none that can be read, FileRefused for a bad name.
        """
        if name not in self.opened:
            path = self.path(name)
            if not path.is_file():
                raise DocumentError(f"there is no workflow {name!r}; the list of workflows shows those there are")
            self.opened[name] = OpenWorkflow(
                name, path, load(path), self.library, self.settings.files, self.queue, self.past
            )
            self.opened[name].recall(self.store)
            self.opened[name].follow_queue(self.feed.alive)
            self.opened[name].foresee()
        return self.opened[name]

    def create(self, name: str, document: Document) -> str:
        """Keep a document as a new workflow; returns its name, which has a number where the name was taken."""
        free, number = name, 2
        while self.path(free).exists():
            free, number = f"{name} {number}", number + 1
        save(document, self.path(free))
        self.past.forget(free)
        return free

    def bring_in(self, name: str, text: str) -> str:
        """A workflow file from elsewhere, as text; DocumentError says what is wrong with it."""
        return self.create(name, loads(text))

    def first(self, asked: Path | None) -> str:
        """The workflow to begin with: a copy of the one asked for, else the last changed, else text to video."""
        if asked is not None:
            name = asked.name.removesuffix(ENDING)
            kept = self.path(name)
            if not (kept.exists() and kept.resolve() == asked.resolve()):
                return self.create(name, load(asked))
            return name
        names = self.names()
        if names:
            return names[0]
        shipped = shipped_file(FIRST)
        if shipped is None:
            return self.create("untitled", Document())
        shutil.copy(shipped, self.path(FIRST))
        return FIRST

    def path(self, name: str) -> Path:
        """Where a workflow is kept; FileRefused if that is no name for one."""
        if not 1 <= len(name) <= 100 or "/" in name or "\\" in name or name.startswith("."):
            raise FileRefused(f"{name[:100]!r} is no name for a workflow; use letters, digits and spaces")
        return Files(inputs=(), outputs=self.settings.workflows).target(f"{name}{ENDING}")

    def see(self, event: Event) -> None:
        """An event of the executor, for whichever workflow it is of."""
        for workflow in self.opened.values():
            workflow.see(event)
        self.feed.see(event)

    async def close(self) -> None:
        """Bring the last edits to disk and stop the worker."""
        for workflow in self.opened.values():
            await workflow.settle()
        self.feed.close()
        self.queue.close()
        self.executor.close()
        self.store.close()
        self.past.close()
