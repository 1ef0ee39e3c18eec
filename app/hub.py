"""Models from the Hugging Face hub: only ever asked for something when the person asks for it by name."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from assets.weight_files import weights_digest

WANTED = ("*.safetensors", "*.gguf", "*.json", "*.txt", "*.model", "README.md", "LICENSE*")
"""What a model is made of; pickles and pictures stay there."""


class HubRefused(ValueError):
    """What cannot be downloaded: what was asked for, and why not."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """digest: sha256 where the hub knows it (of large files), else ""."""

    name: str
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A repository as the hub has it, before anything is fetched."""

    repository: str
    revision: str
    licence: str
    files: tuple[HubFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def look_up(repository: str) -> Offer:
    """What a repository offers: sizes and licence; HubRefused where it cannot be had."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise HubRefused(f"{repository!r} is no repository; name one like 'Wan-AI/Wan2.1-T2V-1.3B-Diffusers'")
    info = _asked(repository, lambda hub: hub.HfApi().model_info(repository, files_metadata=True))
    card = info.card_data.to_dict() if info.card_data else {}
    licence = str(card.get("license_name") or card.get("license") or "unknown: look at its page")
    _refuse_ways_out(repository, [one.rfilename for one in info.siblings or ()])
    files = tuple(
        HubFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "")
        for one in info.siblings or ()
        if any(Path(one.rfilename).match(pattern) for pattern in WANTED)
    )
    if not any(file.name.endswith((".safetensors", ".gguf")) for file in files):
        raise HubRefused(f"{repository} holds no safetensors or GGUF weights; look for a version of it that does")
    return Offer(repository, str(info.sha), licence, files)


def download(offer: Offer, models: Path, progress: Callable[[int], None]) -> Path:
    """Fetch what is offered below a models folder; goes on from what an earlier try left. Digests are checked.

    progress: told how many bytes of it are there, after each file.
    """
    folder, there = models / offer.repository, 0
    missing = sum(file.bytes for file in offer.files if not (folder / file.name).exists())
    free = shutil.disk_usage(models).free
    if missing > free:
        raise HubRefused(
            f"{offer.repository} needs {missing / 1e9:.1f} GB more; {models} has room for {free / 1e9:.1f}; make room"
        )
    for file in sorted(offer.files, key=lambda file: file.bytes):
        path = _fetched(offer, file, folder)
        if file.digest and weights_digest(path) != file.digest:
            path.unlink()
            raise HubRefused(f"{file.name} is not what the hub says it is (its sha256 differs); download it again")
        there += file.bytes
        progress(there)
    return folder


def _refuse_ways_out(repository: str, names: list[str]) -> None:
    """HubRefused where a file would land outside of the model's own folder."""
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise HubRefused(f"{repository} holds a file called {name!r}, which leads out of its folder; leave it")


def _fetched(offer: Offer, file: HubFile, folder: Path) -> Path:
    def fetch(hub: Any) -> str:
        path: str = hub.hf_hub_download(offer.repository, file.name, revision=offer.revision, local_dir=folder)
        return path

    return Path(_asked(offer.repository, fetch))


def _asked(repository: str, ask: Callable[[Any], Any]) -> Any:
    """What the hub says, its errors as sentences."""
    if find_spec("huggingface_hub") is None:
        raise HubRefused("Downloads need huggingface_hub; install it with: pip install 'patchloom[models]'")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when it is imported: it asks for the model, and nothing else
    import huggingface_hub as hub
    from huggingface_hub import errors

    lost: tuple[type[Exception], ...] = (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, OSError, *_lost(hub))
    try:
        return ask(hub)
    except errors.GatedRepoError as error:
        raise HubRefused(
            f"{repository} is given only to those who accepted its terms: accept them on its page, log in with "
            "`hf auth login`, and try again"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise HubRefused(f"the hub has no model {repository!r}, or not for you; check its name") from error
    except lost as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise HubRefused(
            f"the hub could not be reached ({why}); look at the connection and try again: what has come stays"
        ) from error


def _lost(hub: Any) -> tuple[type[Exception], ...]:
    """What the hub's client raises where the connection fails; these are no errors of the system's, nor its own."""
    module = sys.modules.get(type(hub.get_session()).__module__.partition(".")[0])
    kinds = (getattr(module, name, None) for name in ("TransportError", "HTTPError"))
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception))
