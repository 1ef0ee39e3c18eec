"""Saved files: what an output node leaves on disk."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SavedFileSpec:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file in the outputs folder.

    name: path below the outputs folder. digest: sha256 of its bytes, so that a file which was deleted or changed
    since is noticed and written again.
    """

    name: str
    digest: str

    @property
    def spec(self) -> SavedFileSpec:
        return SavedFileSpec(self.name)
