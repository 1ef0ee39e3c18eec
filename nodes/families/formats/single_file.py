"""A single file of weights as the model folder that it stands for. No torch here."""

import importlib
from functools import lru_cache
from pathlib import Path

from assets.weight_headers import WeightHeader, read_weight_header
from nodes.families.folder import ModelFolder
from nodes.families.formats import t5
from nodes.families.formats.layouts import Held, Part, held_parts, without


def folder_of(path: Path) -> ModelFolder:
    """The folder that a file stands for: its parts, and for all others the settings that its family has."""
    header, parts = header_of(path), parts_of(path)
    if not parts or parts[0].family == t5.NAME:  # which alone is no family's
        raise without(header, parts, "transformer")
    family = parts[0].family
    same = [held for held in parts if held.family == family]
    around = importlib.import_module(f"nodes.families.{family}.layouts").around
    settings = around({held.layout.part: held.config for held in same}, header)
    return ModelFolder(path, settings.pop("index"), settings, tuple(held.layout.part for held in same))


def held_in(path: Path, part: Part) -> Held:
    """The part of this kind in a file; WeightsRefused says what it holds instead."""
    parts = parts_of(path)
    for held in parts:
        if held.layout.part == part:
            return held
    raise without(header_of(path), parts, part)


def parts_of(path: Path) -> list[Held]:
    """All parts that a file holds; remembered, since it is asked for at each change of a workflow."""
    stat = path.stat()
    return _parts(path, stat.st_size, stat.st_mtime_ns)


def header_of(path: Path) -> WeightHeader:
    stat = path.stat()
    return _header(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=32)
def _parts(path: Path, size: int, changed: int) -> list[Held]:
    return held_parts(_header(path, size, changed))


@lru_cache(maxsize=32)
def _header(path: Path, size: int, changed: int) -> WeightHeader:
    return read_weight_header(path)
