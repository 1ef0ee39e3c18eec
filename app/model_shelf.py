"""The models on this machine, as the server knows them: scanned in the background, and downloaded when asked for."""

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.hub import HubRefused, Offer, download, look_up
from assets.files import FOLDERS, Files, named_folders
from assets.whole_files import write_whole
from nodes.families.shelf import Shelved, shelve


@dataclass(slots=True)
class Fetching:
    """bytes: of what is asked for. there: of it. problem: why it ended, or ""."""

    repository: str
    bytes: int
    there: int = 0
    problem: str = ""
    done: bool = False


class ModelShelf:
    """home: Patchloom's own models folder, where downloads go and which names the others."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()
        self.home = files.models[0]
        self.models: list[Shelved] = []
        self.scanning = False
        self.fetching: dict[str, Fetching] = {}

    def look(self) -> None:
        """Scan all folders anew, in the background."""
        with self._lock:
            if self.scanning:
                return
            self.scanning = True
        threading.Thread(target=self._scan, daemon=True, name="model shelf").start()

    def _scan(self) -> None:
        try:
            # LoRAs and DiTs that were trained here lie among the inputs.
            self.models = shelve((*self._files.model_folders(), *self._files.inputs[:1]))
        finally:
            self.scanning = False

    def add(self, folder: Path) -> None:
        """Look into this folder, too; HubRefused where it is none."""
        if not folder.is_dir():
            raise HubRefused(f"there is no folder {str(folder)!r}; give the whole path of one that is there")
        self._name([*named_folders(self.home), str(folder.resolve())])

    def drop(self, folder: str) -> None:
        """Look into this folder no more; nothing in it is touched."""
        self._name([each for each in named_folders(self.home) if each != folder])

    def _name(self, folders: list[str]) -> None:
        write_whole(self.home / FOLDERS, json.dumps(list(dict.fromkeys(folders)), indent=2) + "\n")
        self.look()

    def fetch(self, repository: str) -> Fetching:
        """Begin to download a repository, or go on; HubRefused where the hub does not have it."""
        running = self.fetching.get(repository)
        if running and not (running.done or running.problem):
            return running
        offer = look_up(repository)
        fetching = self.fetching[repository] = Fetching(repository, offer.bytes)
        threading.Thread(target=self._fetch, args=(offer, fetching), daemon=True, name="download").start()
        return fetching

    def _fetch(self, offer: Offer, fetching: Fetching) -> None:
        def arrived(there: int) -> None:
            fetching.there = there

        try:
            download(offer, self.home, arrived)
            fetching.done = True
        except HubRefused as refused:
            fetching.problem = str(refused)
        except OSError as error:
            fetching.problem = f"it could not be written ({error.strerror}); make room, and download it again"
        self.look()

    def shown(self) -> dict[str, Any]:
        """All of it as plain data, for the page."""
        return {
            "home": str(self.home),
            "folders": named_folders(self.home),
            "scanning": self.scanning,
            "models": [asdict(model) for model in self.models],
            "fetching": [asdict(each) for each in self.fetching.values()],
        }
