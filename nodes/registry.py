"""All nodes that there are. No torch here: the declarations import it inside their functions."""

import importlib
from functools import cache

from nodes.api import REGISTRY, Node

MODULES = (
    "models.nodes",
    "families.nodes",
    "families.language.nodes",
    "families.images",
    "families.frames",
    "families.canvas",
    "families.framepack.nodes",
    "prompt.nodes",
    "text_encoder.nodes",
    "captioner.nodes",
    "media.nodes",
    "media.edit",
    "media.masks",
    "numbers.nodes",
    "video_vae.nodes",
    "patches.nodes",
    "dit.nodes",
    "dit.windows",
    "preview.nodes",
    "preview.attention",
)


@cache
def library() -> dict[str, Node]:
    """Every declared node by its type."""
    for module in MODULES:
        importlib.import_module(f"nodes.{module}")
    return {name: node for name, node in REGISTRY.items() if node.fn.__module__.startswith("nodes.")}
