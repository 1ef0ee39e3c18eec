"""Model folders as diffusers writes them: model_index.json, and a folder for each part. No torch here."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.weight_files import MAX_HEADER, WeightsRefused, weights_digest
from assets.weight_headers import read_weight_header

INDEX = "model_index.json"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """path: the folder. index: its model_index.json: {"_class_name": "WanPipeline", part: [library, class], ...}.

    A single file of weights stands for a folder, too: path is the file then, settings the configs of all parts, and
    held the parts that it has.
    """

    path: Path
    index: dict[str, Any]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: tuple[str, ...] = ()

    @property
    def pipeline(self) -> str:
        """The pipeline class that the folder was written by, e.g. "WanPipeline"."""
        return str(self.index.get("_class_name", ""))

    def has(self, part: str) -> bool:
        """Whether a part is there; a folder may name one and leave it out."""
        named = self.index.get(part) or [None]
        return part in self.held or ((self.path / part).is_dir() and isinstance(named, list) and bool(named[0]))

    def config(self, part: str) -> dict[str, Any]:
        """A part's config; WeightsRefused where it is missing or damaged."""
        if part in self.settings:
            return self.settings[part]
        name = "scheduler_config.json" if part == "scheduler" else "config.json"
        return read_json(self.path / part / name)

    def digest(self, *parts: str) -> str:
        """sha256 over all weights and settings of these parts; WeightsRefused where some are damaged or missing."""
        whole = hashlib.sha256(json.dumps(self.index, sort_keys=True).encode())
        for part in parts:
            if self.settings:
                content = weights_digest(self.path) if part in self.held else ""
                whole.update(f"{part} {content} {json.dumps(self.settings.get(part), sort_keys=True)}\n".encode())
                continue
            for file in weight_files(self.path / part):
                read_weight_header(file)
            for file in sorted((self.path / part).iterdir()):
                if file.suffix in (".safetensors", ".json", ".model", ".txt"):
                    whole.update(f"{part}/{file.name} {weights_digest(file)}\n".encode())
        return whole.hexdigest()


def weight_files(part: Path) -> list[Path]:
    """The safetensors files that a part's folder is made of, all that its index names; WeightsRefused for pickles."""
    if not part.is_dir():
        raise WeightsRefused(f"{part.parent.name} has no folder {part.name}; it is not whole: get the model again")
    found = sorted(part.glob("*.safetensors"))
    pickles = [file.name for file in part.iterdir() if file.suffix in (".bin", ".pt", ".pth", ".ckpt")]
    if pickles and not found:
        raise WeightsRefused(
            f"{part.parent.name} has its {part.name} as {pickles[0]}, a Python pickle, which can run any code when it "
            "is opened; get the model as safetensors"
        )
    for index in part.glob("*.safetensors.index.json"):
        named = read_json(index).get("weight_map")
        shards = set(named.values()) if isinstance(named, dict) else set()
        missing = sorted(str(shard) for shard in shards if part / str(shard) not in found)
        if missing:
            raise WeightsRefused(
                f"{part.parent.name} has {len(shards) - len(missing)} of the {len(shards)} files of its {part.name}; "
                f"{missing[0]} is missing: get it as well"
            )
    return found


def read_folder(path: Path) -> ModelFolder:
    """The model folder at `path`, or that a file stands for; WeightsRefused where it is none."""
    if path.is_file():
        from nodes.families.formats.single_file import folder_of

        return folder_of(path)
    if not (path / INDEX).is_file():
        raise WeightsRefused(
            f"{path} holds no {INDEX}; it needs a model folder as diffusers writes it. Check the name, or get the "
            "model's diffusers version."
        )
    return ModelFolder(path, read_json(path / INDEX))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; WeightsRefused where there is none."""
    try:
        if path.exists() and not path.is_file():
            raise WeightsRefused(f"{path} is no file; get the model again")
        if path.stat().st_size > MAX_HEADER:
            raise WeightsRefused(f"{path} has {path.stat().st_size} bytes; a model's settings are far smaller")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsRefused(f"{path} cannot be read ({error}); get the model again") from error
    if not isinstance(content, dict):
        raise WeightsRefused(f"{path} holds a {type(content).__name__}; it needs an object: get the model again")
    return content
