"""The family's weights on disk: one safetensors file a model, bfloat16, its config in the metadata."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save_file
from torch import nn

from nodes.models.handles import FAMILY

VERSION = 1


class WeightsError(ValueError):
    """A weights file that can't be used: what it is, what is needed, what to try."""


def save_weights(module: nn.Module, path: Path, *, kind: str, latent_space: str, config: Any) -> None:
    """Write the module's weights, matrices in bfloat16, with what it takes to build the module again."""
    facts = {"kind": kind, "family": FAMILY, "version": VERSION, "latent_space": latent_space, "config": asdict(config)}
    tensors = {name: value.detach().to(torch.bfloat16).contiguous() for name, value in module.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    save_file(tensors, draft, {"patchloom": json.dumps(facts)})
    draft.rename(path)


M = TypeVar("M", bound=nn.Module)


def load_weights(source: Path | str | bytes, *, kind: str, build: Callable[[dict[str, Any]], M]) -> M:
    """The module that `build(config)` makes, filled from the file, in float32 and evaluation mode.

    Raises WeightsError for a file that is cut short, is not safetensors, or holds another model.
    """
    name = "the weights" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else _read(Path(source))
    again = "Fetch the file again, or make it with `patchloom train`."
    try:
        tensors = parse(data)
        facts = _facts(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"Got {name} of {len(data):,} bytes, which is not a whole Patchloom weights file ({error}); "
            f"needs a safetensors file of kind {kind!r}. {again}"
        ) from error
    if facts.get("kind") != kind:
        raise WeightsError(f"Got {name} of kind {facts.get('kind')!r}; needs kind {kind!r}. Choose the other file.")
    if facts.get("version") != VERSION:
        raise WeightsError(f"Got {name} of version {facts.get('version')}; needs version {VERSION}. {again}")
    try:
        module = build(facts["config"])
        module.load_state_dict({key: value.float() for key, value in tensors.items()})
    except (RuntimeError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(
            f"Got {name}, which does not fit together ({str(error).splitlines()[0]}); "
            f"needs config, words and tensors of this version. {again}"
        ) from error
    return module.eval().requires_grad_(False)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"Got no weights at {path} ({error.strerror}); needs a readable file. "
            "Check the path, or run `patchloom train`."
        ) from error


def _facts(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    facts: dict[str, Any] = json.loads(header["__metadata__"]["patchloom"])
    return facts
