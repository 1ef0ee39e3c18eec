"""Models from disk: real open weights for the same nodes."""

from typing import Annotated

from assets.files import Files
from nodes.api import node
from nodes.families.registry import Components, components


def load_weights_spec(model: str, files: Files) -> Components:
    return components(files.find_model(model))


def load_weights_content(model: str, files: Files) -> str:
    return " ".join(handle.digest for handle in load_weights_spec(model, files))


@node(
    version=1,
    category="models",
    spec=load_weights_spec,
    content=load_weights_content,
    label="Models from disk",
    keywords=("weights", "checkpoint", "load", "wan", "diffusers", "open weights"),
)
def load_weights(
    *, files: Files, model: Annotated[str, "A folder or file below the models folders."] = ""
) -> Components:
    """Open weights that you have on disk, for the same nodes as the built-in models. Nothing is copied or fetched."""
    return load_weights_spec(model, files)
