"""Nodes that note down that they ran. Both processes import them by name."""

import hashlib
import os
from pathlib import Path

import numpy as np

from assets.values import Clip, ClipSpec, Text, TextSpec
from nodes.api import REGISTRY, Node, node

NOTES = "PATCHLOOM_CRASH_NOTES"


def library() -> dict[str, Node]:
    return {name: declared for name, declared in REGISTRY.items() if declared.fn.__module__ == __name__}


def note(name: str) -> None:
    """A line in the file that the environment names, if any: one write, so it is there whole or not at all."""
    if NOTES in os.environ:
        with Path(os.environ[NOTES]).open("a") as file:
            file.write(f"{name}\n")


def join_spec(name: str) -> TextSpec:
    return TextSpec(None)


@node(version=1, category="crash", spec=join_spec)
def join(a: Text | None = None, b: Text | None = None, *, name: str = "") -> Text:
    """A small value, kept in the index."""
    note(name)
    parts = [name, a.text if a else "", b.text if b else ""]
    return Text(hashlib.sha256(" ".join(parts).encode()).hexdigest())


def film_spec(name: str) -> ClipSpec:
    return ClipSpec(8, 64, 64, 8.0)


@node(version=1, category="crash", spec=film_spec)
def film(a: Text, *, name: str = "") -> Clip:
    """A large value, kept in a file."""
    note(name)
    seed = int(hashlib.sha256((name + a.text).encode()).hexdigest()[:8], 16)
    return Clip(np.random.default_rng(seed).integers(0, 256, (8, 64, 64, 3), np.uint8), 8.0)


def watch_spec(name: str) -> TextSpec:
    return TextSpec(None)


@node(version=1, category="crash", spec=watch_spec)
def watch(clip: Clip, *, name: str = "") -> Text:
    """A small value of a large one."""
    note(name)
    return Text(name + hashlib.sha256(clip.frames.tobytes()).hexdigest())
