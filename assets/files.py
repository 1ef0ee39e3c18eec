"""Which files a workflow may touch: read below the input folders, write below the outputs folder."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

FOLDERS = "folders.json"
REPOSITORY = re.compile(r"^[\w-][\w.-]*/[\w-][\w.-]*$(?<!\.safetensors)(?<!\.gguf)")
"""What repositories on a hub are called."""
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
        """The model called `name`, a file or a folder below a models folder; FileRefused where there is none.

        Links in these folders are the person's own, to another disk for one: they are followed, as for nothing else.
        A name like "Wan-AI/Wan2.1-T2V-1.3B-Diffusers" finds it in a cache of the Hugging Face hub, too.
        """
        if not name:
            raise FileRefused("no model is chosen; pick one")
        folders = self.model_folders()
        for spelt in (name, *(_in_hub_cache(folder, name) for folder in folders)):
            if spelt and (path := _below(folders, spelt, as_linked=True)):
                return path
        fetched = ", or download it there" if REPOSITORY.match(name) else ""
        raise FileRefused(
            f"there is no model {name!r} in {', '.join(map(str, folders)) or 'any folder'}; check the name, or add the "
            f"folder that holds it under Models (Ctrl+Shift+M){fetched}"
        )

    def model_folders(self) -> tuple[Path, ...]:
        """The models folders, and those that they name in their folders.json; these may be anywhere."""
        named = [Path(each) for folder in self.models for each in named_folders(folder)]
        return (*self.models, *(folder for folder in named if folder.is_dir()))

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


def _below(folders: tuple[Path, ...], name: str, as_linked: bool = False) -> Path | None:
    """What exists under that name below one of the folders, links followed; as_linked: wherever a link leads."""
    if not name:
        raise FileRefused("nothing is chosen; pick one")
    if "\0" in name:
        raise FileRefused("the name holds a NUL character; pick it again")
    for folder in folders:
        try:
            root = folder.resolve()
            path = Path(os.path.normpath(root / name)) if as_linked else (root / name).resolve()
            if path.is_relative_to(root) and path.exists():
                return path
        except (OSError, RuntimeError):  # a link to itself, or a name that is too long
            continue
    return None


def named_folders(models: Path) -> list[str]:
    """The paths in a models folder's folders.json, as they stand there; none where it cannot be read."""
    try:
        found = json.loads((models / FOLDERS).read_text())
    except (OSError, ValueError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _in_hub_cache(folder: Path, name: str) -> str:
    """Where a cache of the Hugging Face hub keeps the newest snapshot of a repository, or "" if it has none."""
    kept = f"models--{name.replace('/', '--')}"
    try:
        return f"{kept}/snapshots/{(folder / kept / 'refs' / 'main').read_text().strip()}"
    except (OSError, ValueError):
        return ""
