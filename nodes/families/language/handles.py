"""Handles of language models: a folder as transformers writes it, or an endpoint. No torch here."""

import hashlib
from pathlib import Path

from assets.values import Describer, Expander
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.folder import read_json
from nodes.families.language.endpoint import Endpoint
from nodes.families.registry import require_libraries

FAMILY = "language"


def writer(folder: Path, instructions: str) -> Expander:
    """A causal language model on disk, to expand prompts."""
    _expect(folder, ("ForCausalLM", "LMHeadModel"), "a model that writes text")
    return Expander(FAMILY, str(folder), _digest(folder), instructions)


def describer(folder: Path) -> Describer:
    """A model on disk that reads images and writes text, to caption clips."""
    _expect(folder, ("ForConditionalGeneration", "ForImageTextToText"), "a model that reads images and writes text")
    return Describer(FAMILY, str(folder), _digest(folder))


def remote_writer(endpoint: Endpoint, instructions: str) -> Expander:
    return Expander(FAMILY, endpoint.to_json(), endpoint.digest, instructions)


def remote_describer(endpoint: Endpoint) -> Describer:
    return Describer(FAMILY, endpoint.to_json(), endpoint.digest)


def _expect(folder: Path, endings: tuple[str, ...], needed: str) -> None:
    """WeightsRefused unless the folder's config names such a model."""
    require_libraries()
    names = read_json(folder / "config.json").get("architectures") or []
    if not any(str(name).endswith(endings) for name in names):
        raise WeightsRefused(
            f"{folder.name} holds {', '.join(map(str, names)) or 'a model of no known kind'}; it needs {needed}: "
            "choose another"
        )


def _digest(folder: Path) -> str:
    """sha256 over weights, settings and vocabulary."""
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in (".safetensors", ".json", ".model", ".txt", ".jinja"):
            whole.update(f"{file.name} {weights_digest(file)}\n".encode())
    return whole.hexdigest()
