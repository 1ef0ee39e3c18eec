"""Where Patchloom keeps things, and how it listens."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError

import assets
from assets.digests import FILE as DIGESTS
from assets.digests import digests
from assets.files import Files
from assets.whole_files import write_whole

FILE = "settings.json"


class SettingsError(ValueError):
    """Settings that cannot be used: what was got, what is needed."""


class Budgets(BaseModel):
    """How much may be kept for later; in the file as sizes like "20 GB" or "512 MiB", here in bytes."""

    model_config = ConfigDict(extra="allow", frozen=True)

    cache_disk_bytes: Annotated[ByteSize, Field(description="Results on disk.")] = ByteSize(20_000_000_000)
    cache_ram_bytes: Annotated[ByteSize, Field(description="Values in a worker's memory.")] = ByteSize(1024**3)


@dataclass(frozen=True, slots=True)
class Settings:
    """One workspace.

    home: its folder. Below it: store (cache of results), inputs (uploads), outputs, workflows.
    budgets: as its settings.json says.
    host, port: where the editor listens; the loopback address unless told otherwise. device: the worker's, for torch.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8420
    device: str = "cpu"
    budgets: Budgets = field(default_factory=Budgets)

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def workflows(self) -> Path:
        return self.home / "workflows"

    @property
    def files(self) -> Files:
        """What a workflow may read and write when the editor runs it."""
        samples = Path(assets.__file__).parent / "samples"
        inputs = (self.home / "inputs", self.home / "outputs", samples)
        return Files(inputs, outputs=self.home / "outputs", models=(self.home / "models",))


def load(home: Path | None = None) -> Settings:
    """Settings of the workspace at `home`, else $PATCHLOOM_HOME, else the platform's data folder; makes the folders.

    SettingsError if its settings.json cannot be used.
    """
    chosen = home or Path(os.environ.get("PATCHLOOM_HOME") or platformdirs.user_data_path("patchloom"))
    settings = Settings(chosen.resolve(), budgets=_budgets(chosen / FILE))
    for folder in (settings.store, settings.workflows, *settings.files.inputs[:2], *settings.files.models):
        folder.mkdir(parents=True, exist_ok=True)
    digests.keep_in(settings.files.models[0] / DIGESTS)
    return settings


def set_budgets(home: Path, changes: dict[str, str]) -> Budgets:
    """Write new sizes (like "20 GB", by their names) to the settings of the workspace at `home`, and return them all.

    SettingsError for what is no size. They count from the next start, or as soon as whoever calls this applies them.
    """
    path = home / FILE
    text = json.dumps({**_read(path), **changes}, indent=2) + "\n"
    budgets = _validated(text, path)
    write_whole(path, text)
    return budgets


def _budgets(path: Path) -> Budgets:
    return _validated(json.dumps(_read(path)), path)


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text()) if path.exists() else {}
    except (ValueError, OSError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); mend or delete it") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{path} holds a {type(found).__name__}; it needs an object like {{}}; mend or delete it")
    return found


def _validated(text: str, path: Path) -> Budgets:
    try:
        return Budgets.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(map(str, problem["loc"]))
        raise SettingsError(f"{path}: {name} is {problem['input']!r}; it needs a size like '20 GB'") from None
