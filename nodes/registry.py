"""All nodes that there are. No torch here: the declarations import it inside their functions."""

import importlib
from functools import cache

from nodes.api import REGISTRY, Node

STAGES = ("models", "prompt", "text_encoder", "captioner", "media", "video_vae", "patches", "dit", "preview")


@cache
def library() -> dict[str, Node]:
    """Every declared node by its type."""
    for stage in STAGES:
        importlib.import_module(f"nodes.{stage}.nodes")
    return {name: node for name, node in REGISTRY.items() if node.fn.__module__.startswith("nodes.")}
