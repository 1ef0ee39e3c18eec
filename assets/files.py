"""Which files a workflow may touch: read below the input folders, write below the outputs folder."""

import re
from dataclasses import dataclass
from pathlib import Path

RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class FileRefused(ValueError):
    """A file name that leads nowhere or out of bounds: what was got, what is needed, what to try."""


@dataclass(frozen=True, slots=True)
class Files:
    """The folders of a workspace.

    inputs: folders that a workflow may read, searched in order. outputs: the folder that it may write.
    """

    inputs: tuple[Path, ...]
    outputs: Path

    def find(self, name: str) -> Path:
        """The existing file called `name`: relative to an input folder, or absolute inside one; else FileRefused."""
        if not name:
            raise FileRefused("no file is chosen; pick one")
        if "\0" in name:
            raise FileRefused("the file name holds a NUL character; pick the file again")
        for folder in self.inputs:
            root = folder.resolve()
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.is_file():
                return path
        folders = ", ".join(str(folder) for folder in self.inputs)
        raise FileRefused(f"there is no file {name!r} in {folders}; check the name or copy the file there")

    def target(self, name: str) -> Path:
        """Where an output called `name` goes, below the outputs folder; FileRefused if it would lead out of it."""
        parts = Path(name.replace("\\", "/")).parts
        legal = parts and all(
            part not in ("..", "/") and not RESERVED.match(part) and not re.search(r'[\0-\x1f:*?"<>|]', part)
            for part in parts
        )
        if not legal:
            raise FileRefused(f"{name!r} is no name for an output file; use one like 'clip.mp4' or 'tests/clip.mp4'")
        root = self.outputs.resolve()
        path = (root / Path(*parts)).resolve()
        if not path.is_relative_to(root):
            raise FileRefused(f"{name!r} leads out of {root} (by a link); use another name")
        return path
