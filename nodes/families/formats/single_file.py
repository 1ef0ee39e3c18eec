"""A single file of weights as the model folder that it stands for. No torch here."""

import importlib
from functools import lru_cache
from pathlib import Path

from assets.weight_headers import WeightHeader, read_weight_header
from nodes.families.folder import ModelFolder
from nodes.families.formats.layouts import Held, Part, held_part, held_parts


def folder_of(path: Path) -> ModelFolder:
    """The folder that a file stands for: its parts, and for all others the settings that its family has."""
    header = header_of(path)
    parts = held_parts(header)
    if not parts:
        held_part(header, "transformer")  # says what the file holds
    family = parts[0].family
    same = [held for held in parts if held.family == family]
    around = importlib.import_module(f"nodes.families.{family}.layouts").around
    settings = around({held.layout.part: held.config for held in same}, header)
    return ModelFolder(path, settings.pop("index"), settings, tuple(held.layout.part for held in same))


def held_in(path: Path, part: Part) -> Held:
    return held_part(header_of(path), part)


def header_of(path: Path) -> WeightHeader:
    stat = path.stat()
    return _header(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=32)
def _header(path: Path, size: int, changed: int) -> WeightHeader:
    return read_weight_header(path)
