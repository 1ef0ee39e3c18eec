"""Groups that a person saved to the library, for all workflows of the workspace.

Each is a file like any workflow, of one node that stands for the group, so it can be shared and opened as one.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from assets.files import FileRefused, Files
from pipelines.diff import RecordsDiff, apply
from pipelines.document import Document, DocumentError, load, require_sound_groups, save
from pipelines.nesting import GROUP, group_of
from pipelines.scopes import scope_of

FOLDER = "groups"
ENDING = ".loom.json"
NODE = "group"


class KeptName(BaseModel):
    """Which group."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=90)


class KeptGroup(KeptName):
    """type: of the node that stands for it. records: of the group and of those inside of it."""

    type: str = Field(min_length=1, max_length=200)
    records: dict[str, JsonValue] = Field(max_length=10_000)


class KeptGroups:
    """A folder of the workspace."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def all(self) -> list[dict[str, Any]]:
        """[{"name", "type", "records"}] by name; a file that cannot be read, or holds no group, is left out."""
        found = []
        for path in sorted(self._folder.glob(f"*{ENDING}"), key=lambda path: path.name.casefold()):
            try:
                document = load(path)
            except DocumentError:
                continue
            uses = [record["type"] for record in document.nodes.values() if group_of(record["type"]) in document.groups]
            if uses:
                records = {key: record for key, record in document.records.items() if _of_group(key)}
                found.append({"name": path.name.removesuffix(ENDING), "type": uses[0], "records": records})
        return found

    def keep(self, group: KeptGroup) -> list[dict[str, Any]]:
        """Keep one, in the place of one that was called the same, and return all.

        DocumentError if the records are no group, FileRefused if that is no name for a file.
        """
        path = self._path(group.name)
        added = {key: record for key, record in group.records.items() if _of_group(key)}
        diff = RecordsDiff.from_json(
            {"added": {**added, f"node:{NODE}": {"type": group.type, "version": 1}, f"layout:{NODE}": {"x": 0, "y": 0}}}
        )
        document = apply(Document(), diff)
        if group_of(group.type) not in document.groups:
            raise DocumentError(f"{group.type[:80]!r} is no group that came with it; select a group and save it again")
        require_sound_groups(document)
        self._folder.mkdir(exist_ok=True)
        save(document, path)
        return self.all()

    def drop(self, named: KeptName) -> list[dict[str, Any]]:
        """Forget one, if it is there, and return the others."""
        self._path(named.name).unlink(missing_ok=True)
        return self.all()

    def _path(self, name: str) -> Path:
        if "/" in name or "\\" in name or name.startswith("."):
            raise FileRefused(f"{name!r} is no name for a group; use letters, digits and spaces")
        return Files(inputs=(), outputs=self._folder).target(f"{name}{ENDING}")


def _of_group(record_id: str) -> bool:
    return record_id.startswith(GROUP) or bool(scope_of(record_id))
