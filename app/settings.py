"""Where Patchloom keeps things, and how it listens."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

import assets
from assets.files import Files


@dataclass(frozen=True, slots=True)
class Settings:
    """One workspace.

    home: its folder. Below it: store (cache of results), inputs (uploads), outputs, workflows.
    host, port: where the editor listens; the loopback address unless told otherwise. device: the worker's, for torch.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8420
    device: str = "cpu"

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
        return Files(inputs=(self.home / "inputs", self.home / "outputs", samples), outputs=self.home / "outputs")


def load(home: Path | None = None) -> Settings:
    """Settings of the workspace at `home`, else $PATCHLOOM_HOME, else the platform's data folder; makes the folders."""
    chosen = home or Path(os.environ.get("PATCHLOOM_HOME") or platformdirs.user_data_path("patchloom"))
    settings = Settings(chosen.resolve())
    for folder in (settings.store, settings.workflows, *settings.files.inputs[:2]):
        folder.mkdir(parents=True, exist_ok=True)
    return settings
