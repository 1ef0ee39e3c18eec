"""Stored values as pictures, rendered once and kept as files beside the store."""

import hashlib
import json
import mimetypes
import os
import re
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.settings import Settings
from assets.files import FileRefused
from assets.store import BlobMissing, Store
from assets.values import SavedFile
from nodes.preview.figures import figures
from nodes.preview.left import pictures
from nodes.preview.views import Way, view, view_after, view_as

DIGEST = re.compile(r"[0-9a-f]{64}")
RENDERING = "3"
How = int | Way


@dataclass(frozen=True, slots=True)
class Rendered:
    """A view on disk. name: of the file that it stands for, where it is one. steps, tokens: as of a `View`."""

    path: Path
    media_type: str
    caption: str
    name: str | None = None
    steps: int = 0
    tokens: Sequence[tuple[str, float]] = ()


class Views:
    """Renders each digest once, one at a time: a view is small work, and the machine is busy with the run."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._folder = settings.home / "views" / RENDERING
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()

    def about(self, digest: str) -> dict[str, Any]:
        """What the page needs to show a value: media_type, caption, url; text, tokens, name, steps where there are."""
        shown = self.rendered(digest)
        found: dict[str, Any] = {"media_type": shown.media_type, "caption": shown.caption, "url": f"/view/{digest}"}
        if shown.media_type.startswith("text/"):
            found["text"] = shown.path.read_text(encoding="utf-8", errors="replace")
        if shown.tokens:
            found["tokens"] = shown.tokens
        if shown.steps:
            found["steps"] = shown.steps
        if shown.name:
            found["name"] = quote(Path(shown.name).name)
        return found

    def figures(self, digest: str) -> dict[str, Any]:
        """What the page draws a value by; BlobMissing if it is gone, ValueError where it has no figures."""
        _require_digest(digest)
        return figures(self._store.get(digest))

    def rendered(self, digest: str, how: How | None = None) -> Rendered:
        """The view of a stored value; `how`: of a trajectory after so many steps, or of a latent in another way.

        BlobMissing if it is gone, FileRefused if the file that it names is, ValueError where there is no such step or
        way.
        """
        _require_digest(digest)
        with self._lock:
            return self._kept(_name(digest, how)) or self._render(digest, how)

    def _kept(self, name: str) -> Rendered | None:
        try:
            about = json.loads((self._folder / f"{name}.json").read_text())
        except FileNotFoundError:
            return None
        path = self._folder / about["file"]
        shown = Rendered(path, about["media_type"], about["caption"], None, about["steps"], about.get("tokens", ()))
        return shown if path.is_file() else None

    def _render(self, digest: str, how: How | None) -> Rendered:
        value = self._store.get(digest)
        if isinstance(value, SavedFile) and how is None:
            return self._written(value)
        match how:
            case None:
                made = pictures.take(digest) or view(value)
            case int():
                made = view_after(value, how)
            case _:
                made = view_as(value, how)
        name = _name(digest, how)
        path = self._folder / f"{name}{mimetypes.guess_extension(made.media_type.partition(';')[0]) or '.bin'}"
        _write(path, made.data)
        about = {
            "file": path.name,
            "media_type": made.media_type,
            "caption": made.caption,
            "steps": made.steps,
            "tokens": made.tokens,
        }
        _write(self._folder / f"{name}.json", json.dumps(about).encode())
        return Rendered(path, made.media_type, made.caption, None, made.steps, made.tokens)

    def _written(self, saved: SavedFile) -> Rendered:
        """A file in the outputs folder is shown from where it is; it is never kept twice."""
        path = self._settings.files.target(saved.name)
        if not path.is_file():
            raise FileRefused(f"{saved.name} is no longer in the outputs folder; run again to write it")
        stat = path.stat()
        if _digest(path, stat.st_size, stat.st_mtime_ns) != saved.digest:
            raise FileRefused(f"{saved.name} was written over since; run again to have this one back")
        media_type = mimetypes.guess_type(saved.name)[0] or "application/octet-stream"
        return Rendered(path, media_type, saved.name, saved.name)


def _require_digest(digest: str) -> None:
    if not DIGEST.fullmatch(digest):
        raise BlobMissing(f"{digest[:80]!r} is no digest of a result")


def _name(digest: str, how: How | None) -> str:
    return digest if how is None else f"{digest}-{how}"


@lru_cache
def _digest(path: Path, size: int, changed: int) -> str:
    """sha256 in hex of a file of that size and time of change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).rename(path)
