"""One open workflow: the document of record, its edits, its run, and the pages that show it."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from app.editor.autosave import Autosave
from app.editor.board import Board
from app.editor.history import Edit, History
from app.editor.outline import outline, with_groups
from app.editor.past import Past
from app.editor.rebase import rebase
from app.editor.seeds import next_seeds, with_seeds
from app.editor.versions import Why
from assets.files import Files
from assets.store import Store
from nodes.api import Node
from pipelines.check import Report, check, why_not
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, DocumentError, Port, require_sound_groups
from pipelines.events import Event
from pipelines.groups import flatten
from pipelines.mending import Mend, mending, mending_wire
from pipelines.queue import Entry, Queue
from pipelines.recall import recall
from pipelines.resizing import Resize, resizing
from pipelines.set_aside import as_run
from pipelines.sweep import seeds

PUSH_SECONDS = 1 / 15
# A forecast looks every node up in the store; while somebody types it waits for a pause.
FORESEE_SECONDS = 0.3
# The page that opens the workflow comes before what the store knows of it.
RECALL_SECONDS = 0.1
NOTHING_TO_RUN = "There is nothing to run yet; add a node with Tab."
Message = dict[str, Any]


class Page(Protocol):
    """One browser tab."""

    user: str

    def tell(self, messages: list[Message]) -> None: ...


class OpenWorkflow:
    """Everything here happens on the server's event loop; checking and saving go to threads, on a frozen document."""

    def __init__(
        self,
        name: str,
        path: Path,
        document: Document,
        library: Mapping[str, Node],
        files: Files,
        queue: Queue,
        past: Past,
    ) -> None:
        self.name = name
        self.document = document
        self.rev = 0
        self.history = History(past.undo.load(name, document))
        self.board = Board(name)
        self.pages: list[Page] = []
        self.report = check(document, library, files)
        self._seeds = past.seeds
        self._autosave = Autosave(name, path, document, self.history, past)
        self._library = library
        self._files = files
        self._queue = queue
        self._outlook: dict[str, Any] | None = None
        self._run: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = {"check": False, "save": False, "foresee": False}
        self._pushing = False

    @property
    def running(self) -> Document:
        """The document as it runs: groups unfolded, without the nodes that are set aside."""
        return as_run(self.document, self._library)

    # What a page does

    def edit(self, page: Page, event: dict[str, Any]) -> None:
        """An edit of a page. What cannot be kept is refused with a sentence, and the page loads the document anew."""
        edit_id = event.get("id")
        try:
            diff = rebase(RecordsDiff.from_json(event.get("diff")), self.document)
            if any(key.startswith(("node:", "group:")) for key in diff.added):
                require_sound_groups(apply(self.document, diff))
        except DocumentError as error:
            page.tell([{"kind": "refused", "id": edit_id, "text": str(error)}])
            return
        if diff:
            self.history.add(page.user, Edit(str(event.get("label"))[:80], diff, str(event.get("group") or "")[:200]))
            self._apply(diff, but=page)
        page.tell([{"kind": "accepted", "id": edit_id, "rev": self.rev}])
        self._tell_history(page)
        if not diff and self._saved():
            page.tell([{"kind": "saved"}])

    def undo(self, page: Page) -> None:
        self._go(page, self.history.undo(page.user))

    def redo(self, page: Page) -> None:
        self._go(page, self.history.redo(page.user))

    def run(self, page: Page, targets: list[str] | None, count: int = 1, *, first: bool = False) -> None:
        """Queue a run of the workflow, or of what `targets` need; `count` runs with a seed each.

        Seeds that change by themselves do so first, as an edit of whoever asks for the run.
        """
        running = self.running
        if targets is not None:
            flat = flatten(self.document)
            targets = [node for target in targets for node in flat.members(target) if node in running.nodes]
        if not (running.nodes if targets is None else targets):
            page.tell([{"kind": "run", "run": self.board.shown_run()}])
            page.tell([{"kind": "say", "level": "info", "text": NOTHING_TO_RUN}])
            return
        try:
            turned = next_seeds(self.document, self._library, targets, self._seeds.of(self.name))
            diff = with_seeds(self.document, turned)
            variants = seeds(apply(self.document, diff), self._library, count, targets)
            runs = self._queue.add_batch(self.name, variants, targets, first=first)
            self._seeds.ran(self.name, turned, count)
        except (ValueError, OSError, sqlite3.Error) as error:
            page.tell([{"kind": "run", "run": self.board.shown_run()}])
            page.tell([{"kind": "say", "level": "error", "text": str(error)}])
            return
        if diff:
            self.history.add(page.user, Edit("New seeds", diff))
            self._tell_history(page)
            self._apply(diff)
        self.keep_version("ran")
        if not self.board.run["active"]:
            self._show(runs[0].id, self.running, targets)

    def keep_version(self, why: Why) -> None:
        """Keep the workflow as it is now as a version of it, in a moment."""
        self._autosave.keep(self.document, why)
        self._start("save", self._save)

    def follow_queue(self, alive: Sequence[Entry]) -> None:
        """Show the run of this workflow that goes on or comes next. alive: all runs that go on or wait, in order."""
        ours = [run for run in alive if run.workflow == self.name]
        if self._run not in {run.id for run in ours}:
            if self.board.run["active"]:
                self.board.see(Event("finished", self._run))
                self.push()
            self._run = None
        if ours and (self._run is None or (ours[0].state == "running" and ours[0].id != self._run)):
            document = self._queue.book.document(ours[0].id)
            self._show(ours[0].id, as_run(document, self._library), ours[0].targets)

    def _show(self, run: str, document: Document, targets: Sequence[str] | None) -> None:
        """Have the board show a run from its beginning."""
        self._run = run
        self.board.begin(document, None if targets is None else list(targets))
        for event in self._queue.said(run):
            self.board.see(event)
        self._follow()
        self.push()

    def _follow(self) -> None:
        running = self.running
        self.board.follow(running, outline(self.document, running, self._library))

    def recall(self, store: Store) -> None:
        """Show the results that the store has, as soon as they are found."""
        document = self.running

        async def look() -> None:
            await asyncio.sleep(RECALL_SECONDS)
            found = await asyncio.to_thread(recall, document, self._library, store, self._files)
            self.board.remember(document, {node: found.outputs[node] for node in found.cached})
            self._follow()
            self.push()

        self._begin(look())

    def cancel(self) -> None:
        """Stop the run that the board shows, or take it out of the queue."""
        if self._run is not None:
            self._queue.cancel(self._run)

    def see(self, event: Event) -> None:
        """An event of the executor; those of other workflows' runs are not ours."""
        if event.kind == "worker_died" and event.run is not None and event.run == self._run:
            self.tell([{"kind": "say", "level": "error", "text": event.error}])
        elif event.run is not None and event.run == self._run:
            self.board.see(event)
            self.push()
            if event.kind == "finished":
                self.foresee()

    # What the pages are told

    def snapshot(self, user: str = "") -> dict[str, Any]:
        """All that a page needs to begin."""
        return {
            "rev": self.rev,
            "records": dict(self.document.records),
            "report": self._shown_report(),
            "nodes": self.board.everything(),
            "run": self.shown_run(),
            "history": self.history.names(user),
        }

    def shown_run(self) -> dict[str, Any]:
        """How far the run is, and what the next one would take (`Forecast.to_json`; None while that is not known)."""
        return self.board.shown_run() | {"forecast": self._outlook}

    def tell(self, messages: list[Message]) -> None:
        for page in self.pages:
            page.tell(messages)

    def push(self) -> None:
        """Send what the run changed: at once, then at most 15 times a second."""
        if self._pushing:
            return
        self._pushing = True
        loop = asyncio.get_running_loop()

        def later() -> None:
            self._pushing = False
            changes = self.board.take_changes()
            if changes:
                self.tell(changes)

        loop.call_later(PUSH_SECONDS, later)

    def foresee(self) -> None:
        """Tell the pages, in a moment, what a run of the workflow would take."""
        self._start("foresee", self._foresee)

    def why_not(self, source: Port, target: Port) -> str | None:
        """Why a wire cannot be, as a sentence; None if it can. Quick, and safe in a thread."""
        return why_not(self.document, source, target, self._library, self._files, self.report)

    def resizing(self, source: Port, target: Port) -> Resize | None:
        """The resize that lets a refused wire be, if one does. Quick, and safe in a thread."""
        return resizing(self.document, source, target, self._library, self._files)

    def mending(self, node: str) -> Mend | None:
        """What mends the error of a node, where a number is at fault. Quick, and safe in a thread."""
        return mending(self.document, node, self._library, self._files)

    def mending_wire(self, source: Port, target: Port) -> Mend | None:
        """The same for a refused wire."""
        return mending_wire(self.document, source, target, self._library, self._files)

    async def settle(self) -> None:
        """Wait until the last edit is checked and on disk."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    # Inside

    def _go(self, page: Page, diff: RecordsDiff | None) -> None:
        if diff is None:
            return
        # Before the diff, so that whoever sees an edit taken back can bring it again at once.
        self._tell_history(page)
        self._apply(rebase(diff, self.document))

    def _apply(self, diff: RecordsDiff, but: Page | None = None) -> None:
        self._autosave.will_edit(self.document)
        self.document = apply(self.document, diff)
        self.rev += 1
        for page in self.pages:
            if page is not but:
                page.tell([{"kind": "diff", "rev": self.rev, "diff": diff.to_json()}])
        self._follow()
        self.push()
        self._start("check", self._check)
        self._start("save", self._save)

    def _tell_history(self, page: Page) -> None:
        names = {"kind": "history", **self.history.names(page.user)}
        for each in self.pages:
            if each.user == page.user:
                each.tell([names])

    def _start(self, kind: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do `work` beside the event loop; if it is under way, it goes round once more by itself."""
        if self._busy[kind]:
            return
        self._busy[kind] = True
        self._begin(work())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def check_again(self) -> None:
        """What a file on disk says has changed, though the document has not."""
        self._start("check", self._check)

    async def _check(self) -> None:
        document = None
        while document is not self.document:
            document = self.document
            self.report = await asyncio.to_thread(check, document, self._library, self._files)
        self._busy["check"] = False
        self.tell([{"kind": "report", **self._shown_report()}])
        self.foresee()

    async def _foresee(self) -> None:
        document = None
        try:
            while document is not self.document:
                await asyncio.sleep(FORESEE_SECONDS)
                document = self.document
                forecast = await asyncio.to_thread(self._queue.forecaster.forecast, document)
        finally:
            self._busy["foresee"] = False
        seconds = {node: expected.seconds for node, expected in forecast.nodes.items()}
        self._outlook = forecast.to_json() | {"nodes": dict.fromkeys(forecast.loads) | seconds}
        self.tell([{"kind": "run", "run": {"forecast": self._outlook}}])

    async def _save(self) -> None:
        trouble = None
        try:
            while trouble is None and self._autosave.is_behind(self.document):
                trouble = await self._autosave.save(self.document)
        finally:
            self._busy["save"] = False
        self.tell([{"kind": "say", "level": "error", "text": trouble} if trouble else {"kind": "saved"}])

    def _shown_report(self) -> dict[str, Any]:
        return shown(with_groups(self.report, self.document, self._library))

    def _saved(self) -> bool:
        return not self._busy["save"]


def shown(report: Report) -> dict[str, Any]:
    """A report as the page reads it."""
    problems: dict[str, list[dict[str, Any]]] = {}
    for problem in report.problems:
        found = {"level": problem.level, "text": problem.sentence, "port": problem.port}
        problems.setdefault(problem.node, []).append(found)
    specs = {f"{node}.{name}": str(spec) for node, outputs in report.specs.items() for name, spec in outputs.items()}
    return {"specs": specs, "problems": problems}
