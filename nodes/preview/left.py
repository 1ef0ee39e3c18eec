"""Pictures of values that a worker leaves for the server, which has no torch to draw them by. No torch here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from assets.whole_files import write_whole

if TYPE_CHECKING:
    from nodes.preview.views import View

LEFT = "pictures"
"""Name of the folder below a store."""


class Pictures:
    """By the digests of values, in a folder once `keep_in` names one; each till it is taken. Safe for threads."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def keep_in(self, folder: Path) -> None:
        self._folder = folder

    def leave(self, digest: str, picture: View) -> None:
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            said = {name: value for name, value in asdict(picture).items() if name != "data"}
            write_whole(self._folder / digest, json.dumps(said).encode() + b"\n" + picture.data)

    def take(self, digest: str) -> View | None:
        """What was left for a value, which is not kept any longer; None where nothing was."""
        if self._folder is None:
            return None
        from nodes.preview.views import View  # a worker begins without what draws

        path = self._folder / digest
        try:
            said, _, data = path.read_bytes().partition(b"\n")
            path.unlink()
            return View(data=data, **(json.loads(said) | {"tokens": ()}))
        except (OSError, ValueError, TypeError):
            return None


pictures = Pictures()
