"""Model folders as diffusers writes them: model_index.json, and a folder for each part. No torch here."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.weight_files import MAX_HEADER, WeightsRefused, weights_digest

INDEX = "model_index.json"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """path: the folder. index: its model_index.json: {"_class_name": "WanPipeline", part: [library, class], ...}."""

    path: Path
    index: dict[str, Any]

    @property
    def pipeline(self) -> str:
        """The pipeline class that the folder was written by, e.g. "WanPipeline"."""
        return str(self.index.get("_class_name", ""))

    def has(self, part: str) -> bool:
        """Whether a part is there; a folder may name one and leave it out."""
        return (self.path / part).is_dir() and bool((self.index.get(part) or [None])[0])

    def config(self, part: str) -> dict[str, Any]:
        """A part's config; WeightsRefused where it is missing or damaged."""
        name = "scheduler_config.json" if part == "scheduler" else "config.json"
        return read_json(self.path / part / name)

    def digest(self, *parts: str) -> str:
        """sha256 over all weights and settings of these parts."""
        whole = hashlib.sha256(json.dumps(self.index, sort_keys=True).encode())
        for part in parts:
            for file in sorted((self.path / part).iterdir()):
                if file.suffix in (".safetensors", ".json", ".model", ".txt", ".gguf"):
                    whole.update(f"{part}/{file.name} {weights_digest(file)}\n".encode())
        return whole.hexdigest()


def read_folder(path: Path) -> ModelFolder:
    """The model folder at `path`; WeightsRefused where it is none."""
    if not (path / INDEX).is_file():
        raise WeightsRefused(
            f"{path} holds no {INDEX}; it needs a model folder as diffusers writes it. Check the name, or get the "
            "model's diffusers version."
        )
    return ModelFolder(path, read_json(path / INDEX))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; WeightsRefused where there is none."""
    try:
        if path.stat().st_size > MAX_HEADER:
            raise WeightsRefused(f"{path} has {path.stat().st_size} bytes; a model's settings are far smaller")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsRefused(f"{path} cannot be read ({error}); get the model again") from error
    if not isinstance(content, dict):
        raise WeightsRefused(f"{path} holds a {type(content).__name__}; it needs an object: get the model again")
    return content
