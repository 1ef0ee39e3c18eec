"""Runs that wait, and runs that were: kept in SQLite, so that neither a crash nor a restart loses any."""

from pipelines.queue.book import Book
from pipelines.queue.entry import Entry, State, entry
from pipelines.queue.queue import Queue

__all__ = ["Book", "Entry", "Queue", "State", "entry"]
