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

    inputs: folders that a workflow may read, searched in order. outputs: the folder that it may write. models: folders
    with the weights of models, searched in order; nothing is ever written there.
    """

    inputs: tuple[Path, ...]
    outputs: Path
    models: tuple[Path, ...] = ()

    def find(self, name: str) -> Path:
        """The existing file called `name`: relative to an input folder, or absolute inside one; else FileRefused."""
        path = _below(self.inputs, name)
        if path is None or not path.is_file():
            folders = ", ".join(str(folder) for folder in self.inputs)
            raise FileRefused(f"there is no file {name!r} in {folders}; check the name or copy the file there")
        return path

    def find_model(self, name: str) -> Path:
        """The model called `name`, a file or a folder: relative to a models folder, or absolute inside one."""
        path = _below(self.models, name)
        if path is None:
            folders = ", ".join(str(folder) for folder in self.models) or "no folder at all"
            raise FileRefused(
                f"there is no model {name!r} in {folders}; check the name, or add the folder that holds it in settings"
            )
        return path

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


def _below(folders: tuple[Path, ...], name: str) -> Path | None:
    """What exists under that name below one of the folders, links followed."""
    if not name:
        raise FileRefused("nothing is chosen; pick one")
    if "\0" in name:
        raise FileRefused("the name holds a NUL character; pick it again")
    for folder in folders:
        root = folder.resolve()
        path = (root / name).resolve()
        if path.is_relative_to(root) and path.exists():
            return path
    return None
