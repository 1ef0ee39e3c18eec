"""What was, kept in one SQLite file of the workspace: everybody's undo, and the versions of every workflow."""

from pathlib import Path

from app.editor import undo_log, versions
from app.editor.undo_log import UndoLog
from app.editor.versions import Versions
from pipelines.database import Database

FILE = "edits-1.db"


class Past:
    """home: of the workspace. May be used from any thread."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home / FILE, undo_log.SCHEMA + versions.SCHEMA)
        self.undo = UndoLog(self._database)
        self.versions = Versions(self._database)

    def close(self) -> None:
        self._database.close()
