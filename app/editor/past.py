"""What was, in one SQLite file of the workspace: everybody's undo, versions of every workflow, the seeds that ran."""

from pathlib import Path

from app.editor import seeds, undo_log, versions
from app.editor.seeds import SeedsThatRan
from app.editor.undo_log import UndoLog
from app.editor.versions import Versions
from pipelines.database import Database

FILE = "edits-1.db"


class Past:
    """home: of the workspace. May be used from any thread."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home / FILE, undo_log.SCHEMA + versions.SCHEMA + seeds.SCHEMA)
        self.undo = UndoLog(self._database)
        self.versions = Versions(self._database)
        self.seeds = SeedsThatRan(self._database)

    def forget(self, workflow: str) -> None:
        """A new workflow takes that name; what was kept as versions stays."""
        self.undo.forget(workflow)
        self.seeds.forget(workflow)

    def close(self) -> None:
        self._database.close()
