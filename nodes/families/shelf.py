"""What models lie in the models folders: found by their layout, told by their headers. No torch here."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assets.weight_files import WeightsRefused
from nodes.families.folder import INDEX, ModelFolder, read_folder, read_json
from nodes.families.registry import FAMILIES, Family
from nodes.families.tiny.files import KINDS, NAMED, tiny_file

Part = Literal["models", "file", "language"]
ENDINGS = (".safetensors", ".gguf")
DEEPEST = 6
"""Folders below a models folder that are looked into."""
_HUB = re.compile(r"^models--(?P<name>.+)/snapshots/[^/]+$")


@dataclass(frozen=True, slots=True)
class Shelved:
    """A model on disk.

    name: what a workflow says to mean it. part: "models" is a whole family's folder, "file" a single file, "language" a
    language model's folder. family: its
    label, "" where it is none that is known. does: its tasks, in words. bytes: of its weights. licence: as its makers
    or its own card have it. problem: why it cannot be used, or "".
    """

    name: str
    part: Part
    family: str
    does: tuple[str, ...]
    bytes: int
    licence: str
    problem: str = ""


def shelve(folders: tuple[Path, ...]) -> list[Shelved]:
    """All models below the folders: diffusers folders, the hub's cache, and files as other tools lay them out."""
    found: dict[str, Shelved] = {}
    for shelved in (shelved for folder in folders if folder.is_dir() for shelved in _below(folder)):
        found.setdefault(shelved.name, shelved)  # the first folder's is what a workflow means, as in Files.find_model
    return sorted(found.values(), key=lambda one: one.name.lower())


def _below(root: Path) -> Iterator[Shelved]:
    for path in _walked(root, DEEPEST):
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            yield _folder(path, _spoken(name)) if (path / INDEX).is_file() else _language(path, _spoken(name))
        elif path.suffix in ENDINGS:
            yield _file(path, name)


def _walked(folder: Path, left: int) -> Iterator[Path]:
    """Model folders, not looked into further, and files; unreadable ones are passed over."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_file() or (entry / INDEX).is_file() or _writes(entry):
            yield entry
        elif entry.is_dir() and left:
            yield from _walked(entry, left - 1)


def _file(path: Path, name: str) -> Shelved:
    """What files hold is told where one is chosen; but for tiny decoders, which are used unasked."""
    size = path.stat().st_size
    if not path.match(NAMED):
        return Shelved(name, "file", "", (), size, "")
    try:
        tiny = tiny_file(path)
    except WeightsRefused as refused:
        return Shelved(name, "file", "", (), size, "", str(refused))
    if tiny is None:
        return Shelved(name, "file", "", (), size, "")
    if tiny.kind is None:
        known = ", ".join(f"{kind.name} ({kind.label})" for kind in KINDS)
        problem = f"a tiny decoder, and {path.stem} does not say for which model of: {known}"
        return Shelved(name, "file", "", (), size, "", problem)
    return Shelved(name, "file", tiny.kind.label, ("previews", "quick decoding"), size, "")


def _spoken(name: str) -> str:
    """A snapshot in the hub's cache goes by its repository's name."""
    kept = _HUB.match(name)
    return kept["name"].replace("--", "/") if kept else name


def _folder(path: Path, name: str) -> Shelved:
    size = _bytes(path.rglob("*"))
    try:
        folder = read_folder(path)
        family = _family(folder)
    except WeightsRefused as refused:
        return Shelved(name, "models", "", (), size, "", str(refused))
    if family is None:
        return Shelved(name, "models", "", (), size, "", f"{folder.pipeline or 'its pipeline'} is not known here")
    return Shelved(name, "models", family.label, tasks(folder), size, _licence(path) or family.licence)


def _writes(folder: Path) -> tuple[str, ...]:
    """What a language model's folder does; () where it is none."""
    try:
        names = read_json(folder / "config.json").get("architectures") if (folder / "config.json").is_file() else []
    except WeightsRefused:
        return ()
    told = " ".join(map(str, names or []))
    if "CausalLM" in told or "LMHead" in told:
        return ("expand prompts",)
    return ("caption clips",) if "ForConditionalGeneration" in told or "ForImageTextToText" in told else ()


def _language(path: Path, name: str) -> Shelved:
    return Shelved(name, "language", "Language model", _writes(path), _bytes(path.iterdir()), _licence(path))


def _bytes(files: Iterable[Path]) -> int:
    """The size of the weights among the files; a link to nowhere has none."""
    return sum(file.stat().st_size for file in files if file.suffix in ENDINGS and file.is_file())


def _family(folder: ModelFolder) -> Family | None:
    return next((family for family in FAMILIES if folder.pipeline in family.pipelines), None)


def tasks(folder: ModelFolder) -> tuple[str, ...]:
    """What a folder's models make, in words."""
    if "ImageToVideo" in folder.pipeline or "Framepack" in folder.pipeline:
        return ("image to video",)
    if "VACE" in folder.pipeline:
        return ("text to video", "image to video", "inpaint", "reference pictures")
    if folder.index.get("expand_timesteps") or "Condition" in folder.pipeline:
        return ("text to video", "image to video")
    return ("text to video",)


def _licence(path: Path) -> str:
    """What the model card's header says."""
    try:
        card = (path / "README.md").read_text(encoding="utf-8")[:4000]
    except (OSError, ValueError):
        return ""
    named = re.search(r"^license(?:_name)?:\s*(\S[^\n]{0,80})$", card, re.MULTILINE)
    return named[1].strip() if named else ""
