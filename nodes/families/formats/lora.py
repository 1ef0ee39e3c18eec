"""Whether a LoRA fits a DiT of a family: told by the layers' names and shapes alone. No torch here."""

from pathlib import Path

from assets.values import DiT
from nodes.families.folder import weight_files
from nodes.families.formats.layouts import family_label, original_names
from nodes.families.formats.lora_file import Adapter, read_adapters
from nodes.families.formats.single_file import header_of, held_in


def adapters_for(path: Path, dit: DiT) -> list[Adapter]:
    """What a LoRA's file changes of this DiT; WeightsRefused where it does not fit."""
    shapes = layers(Path(dit.path))
    return read_adapters(path, family_label(dit.family), shapes, original_names(dit.family, shapes))


def layers(model: Path) -> dict[str, tuple[int, ...]]:
    """The layers of the DiT in a model folder or file, by their names in diffusers, with their weights' shapes."""
    if model.is_file():
        tensors = dict(held_in(model, "transformer").shapes)
    else:
        headers = [header_of(file) for file in weight_files(model / "transformer")]
        tensors = {name: tensor for header in headers for name, tensor in header.tensors.items()}
    return {
        name.removesuffix(end): tensor.shape
        for end in (".bias", ".weight")
        for name, tensor in tensors.items()
        if name.endswith(end)
    }
