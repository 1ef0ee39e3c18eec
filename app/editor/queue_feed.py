"""What every page is told of the queue: which run goes on and how far it is, and which wait."""

import asyncio
from collections.abc import Mapping
from typing import Any

from app.editor.open_workflow import OpenWorkflow
from pipelines.events import Event
from pipelines.queue import Entry, Queue

PUSH_SECONDS = 0.4
MOST = 100


class QueueFeed:
    """On the server's event loop; what changes is pushed at once, then at most some times a second."""

    def __init__(self, queue: Queue, opened: Mapping[str, OpenWorkflow]) -> None:
        self._queue = queue
        self._opened = opened
        self._pushing = False
        self._closed = False

    def close(self) -> None:
        """Say no more; what the queue still says on its way out comes to nothing."""
        self._closed = True

    @property
    def alive(self) -> list[Entry]:
        """The runs that go on or wait, in order."""
        # In this order a run that begins meanwhile is in both, in the other in neither, as if it had ended.
        waiting, running = self._queue.book.waiting(), self._queue.book.running()
        begun = {run.id for run in running}
        return running + [run for run in waiting if run.id not in begun]

    def changed(self) -> None:
        """The queue or the history is another now."""
        if self._closed:
            return
        alive = self.alive
        for workflow in self._opened.values():
            workflow.follow_queue(alive)
        self._push()

    def see(self, event: Event) -> None:
        """An event of a run: another count of nodes or steps."""
        if event.kind != "preview":
            self._push()

    def message(self) -> dict[str, Any]:
        alive = self.alive
        shown: dict[str, Any] = {
            "runs": [run.to_json() for run in alive[:MOST]],
            "count": len(alive),
            "elsewhere": self._queue.elsewhere,
            "last": next((run.ended for run in self._queue.book.history(1)), None),
        }
        progress = self._queue.progress
        if progress:
            told = ("run", "done", "total", "node", "step", "steps")
            shown["progress"] = {name: getattr(progress, name) for name in told}
        return {"kind": "queue", "queue": shown}

    def _push(self) -> None:
        if self._pushing:
            return
        self._pushing = True

        def later() -> None:
            self._pushing = False
            if self._closed:
                return
            message = self.message()
            for workflow in self._opened.values():
                workflow.tell([message])

        asyncio.get_running_loop().call_later(PUSH_SECONDS, later)
