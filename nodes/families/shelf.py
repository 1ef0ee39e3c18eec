"""What models lie in the models folders: found by their layout, told by their headers. No torch here."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from assets.weight_files import WeightsRefused, read_metadata
from assets.weight_headers import Tensor, WeightHeader
from nodes.api import Held
from nodes.families.folder import INDEX, ModelFolder, read_folder, read_json, weight_files
from nodes.families.formats.guess import seems
from nodes.families.formats.layouts import PARTS, family_label
from nodes.families.formats.lora_file import is_lora
from nodes.families.formats.single_file import header_of, parts_of
from nodes.families.registry import FAMILIES, Family
from nodes.families.tiny.files import KINDS, NAMED, TinyFile, tiny_file
from nodes.models.handles import is_own

Part = Literal["models", "file", "language"]
DESCRIBES = ("caption clips",)
OWN: dict[str, tuple[Held, ...]] = {"dit": ("transformer",), "lora": ("lora",)}
"""What is trained here and chosen as a file -> what for."""
WHOLE_NUMBERS = ("I64", "I32", "I16", "U8", "BOOL")
"""What places, masks and a tokenizer within a file are kept as."""
ENDINGS = (".safetensors", ".gguf")
DEEPEST = 6
"""Folders below a models folder that are looked into."""
_HUB = re.compile(r"^models--(?P<name>.+)/snapshots/[^/]+$")


@dataclass(frozen=True, slots=True)
class Shelved:
    """A model on disk.

    name: what a workflow says to mean it. part: "models" is a whole family's folder, "file" a single file, "language" a
    language model's folder. family: its label, "" where it is none that is known. does: its tasks, or what a file
    holds, in words. bytes: of its weights. licence: as its makers or its own card have it. problem: why it cannot be
    used, or "". holds: what it is chosen for, beside a family's whole. precision: what most of its numbers are kept
    as, e.g. "BF16".
    """

    name: str
    part: Part
    family: str
    does: tuple[str, ...]
    bytes: int
    licence: str
    problem: str = ""
    holds: tuple[Held, ...] = ()
    precision: str = ""


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


def _walked(folder: Path, left: int, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Model folders, not looked into further, and files; unreadable ones, and links back up, are passed over."""
    try:
        above = (*above, folder.resolve())
        entries = sorted(folder.iterdir())
    except (OSError, RuntimeError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_file() or (entry / INDEX).is_file() or _writes(entry):
            yield entry
        elif entry.is_dir() and left and entry.resolve() not in above:
            yield from _walked(entry, left - 1, above)


def _file(path: Path, name: str) -> Shelved:
    """A file, told by its header: a part of a family or several, a LoRA, or what was trained here."""
    size = path.stat().st_size
    try:
        if path.match(NAMED) and (tiny := tiny_file(path)):
            return _tiny(path, name, size, tiny)
        header = header_of(path)
        precision = _precision(header.tensors.values())
        family, holds = _held(path, header)
    except (WeightsRefused, OSError) as refused:
        return Shelved(name, "file", "", (), size, "", str(refused))
    words = {str(part): said for part, said in PARTS.items()} | {"lora": "LoRA"}
    does = tuple(words[one] for one in holds)
    return Shelved(name, "file", family, does, size, "", holds=holds, precision=precision)


def _held(path: Path, header: WeightHeader) -> tuple[str, tuple[Held, ...]]:
    """A file's family, and what it holds; nothing where that is not known."""
    if is_own(path):
        return "Patchloom", OWN.get(read_metadata(path)["kind"], ())
    if parts := parts_of(path):
        return family_label(parts[0].family), tuple(part.layout.part for part in parts)
    if is_lora(header):
        return seems(header.tensors), ("lora",)
    return "", ()


def _tiny(path: Path, name: str, size: int, tiny: TinyFile) -> Shelved:
    if tiny.kind is None:
        fits = [kind.name for kind in KINDS if (kind.channels, kind.stride) == (tiny.channels, tiny.stride)]
        named = (
            f"whose name does not say which it is: {', '.join(fits)}" if fits else "for a model that is not known here"
        )
        problem = f"a tiny decoder {named}"
        return Shelved(name, "file", "", (), size, "", problem)
    return Shelved(name, "file", tiny.kind.label, ("previews", "quick decoding"), size, "", holds=("vae",))


def _precision(tensors: Iterable[Tensor]) -> str:
    """What most numbers are kept as."""
    counts: Counter[str] = Counter()
    for tensor in tensors:
        if tensor.dtype not in WHOLE_NUMBERS:
            counts[tensor.dtype] += prod(tensor.shape)
    return max(counts, key=lambda kind: counts[kind]) if counts else ""


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
    licence, precision = _licence(path) or family.licence, _of_transformer(path)
    holds: tuple[Held, ...] = ("image_encoder",) if folder.has("image_encoder") else ()
    return Shelved(name, "models", family.label, tasks(folder), size, licence, holds=holds, precision=precision)


def _of_transformer(path: Path) -> str:
    try:
        files = weight_files(path / "transformer")
        return _precision(tensor for file in files[:1] for tensor in header_of(file).tensors.values())
    except (WeightsRefused, OSError):
        return ""


def _writes(folder: Path) -> tuple[str, ...]:
    """What a language model's folder does; () where it is none."""
    try:
        names = read_json(folder / "config.json").get("architectures") if (folder / "config.json").is_file() else []
    except WeightsRefused:
        return ()
    told = " ".join(map(str, names or []))
    if "CausalLM" in told or "LMHead" in told:
        return ("expand prompts",)
    return DESCRIBES if "ForConditionalGeneration" in told or "ForImageTextToText" in told else ()


def _language(path: Path, name: str) -> Shelved:
    does, size = _writes(path), _bytes(path.iterdir())
    holds: tuple[Held, ...] = ("describer",) if does == DESCRIBES else ("writer",)
    return Shelved(name, "language", "Language model", does, size, _licence(path), holds=holds)


def _bytes(files: Iterable[Path]) -> int:
    """The size of the weights among the files; a link to nowhere has none."""
    return sum(file.stat().st_size for file in files if file.suffix in ENDINGS and file.is_file())


def _family(folder: ModelFolder) -> Family | None:
    return next((family for family in FAMILIES if folder.pipeline in family.pipelines), None)


def tasks(folder: ModelFolder) -> tuple[str, ...]:
    """What a folder's models make, in words."""
    if "DiffusionForcing" in folder.pipeline:
        return ("text to video", "image to video", "long video")
    if "Framepack" in folder.pipeline:
        return ("image to video", "long video")
    if "ImageToVideo" in folder.pipeline and not folder.index.get("expand_timesteps"):
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
