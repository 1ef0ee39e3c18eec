"""Runs of the command line: done at once, here, and written into the history like those of the queue."""

import time
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from rich.console import Console

from app.progress import follow
from app.settings import Settings
from assets.files import Files
from assets.store import Store
from nodes.registry import library
from pipelines.document import Document
from pipelines.events import Event
from pipelines.executors.local import LocalExecutor
from pipelines.forecast import Forecaster
from pipelines.groups import flattened
from pipelines.queue import Book, Entry, entry
from pipelines.queue.queue import BOOK, MEASUREMENTS
from pipelines.queue.result import result_of, state_of, took


class Recorder:
    """`with Recorder(place, files, device) as recorder: recorder.run(document, name, console)`"""

    def __init__(self, place: Settings, files: Files, device: str) -> None:
        budgets = place.budgets
        self.store = Store(place.store, budgets.cache_disk_bytes)
        self.book = Book(place.home / BOOK)
        self._executor = executor = LocalExecutor(self.store, files, device=device, ram_bytes=budgets.cache_ram_bytes)
        measurements = place.home / MEASUREMENTS
        self._forecaster = Forecaster(measurements, library(), self.store, files, device, executor.numerics)
        self._ended: dict[str, dict[str, Any]] = {}
        self._executor.subscribe(self._note)

    def run(
        self, document: Document, workflow: str, console: Console, label: str = "", sweep: str | None = None
    ) -> Entry:
        """Run a document to its end, showing how it goes, and keep it in the history."""
        self._ended.clear()
        forecast = self._forecaster.forecast(document)
        begun = entry(workflow, None, label, sweep, began=time.time(), forecast=forecast.to_json())
        summary = follow(self._executor, document, console, forecast.found)
        result = result_of(flattened(document), library(), summary, dict(self._ended), forecast)
        done = replace(begun, state=state_of(summary), ended=time.time(), seconds=summary.seconds, result=result)
        self.book.add([(done, document)])
        self._forecaster.learn(forecast, result["nodes"])
        return done

    def _note(self, event: Event) -> None:
        if event.kind == "done" and event.node is not None:
            self._ended[event.node] = took(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._executor.close()
        self._forecaster.close()
        self.book.close()
        self.store.close()
