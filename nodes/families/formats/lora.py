"""Whether a LoRA fits a DiT of a family: told by the layers' names and shapes alone. No torch here."""

from pathlib import Path

from assets.values import DiT
from nodes.families.folder import weight_files
from nodes.families.formats.layouts import family_label, original_names
from nodes.families.formats.lora_file import Adapter, read_adapters
from nodes.families.formats.single_file import header_of, held_in


def adapters_for(path: Path, dit: DiT) -> list[Adapter]:
    """What a LoRA's file changes of this DiT; WeightsRefused where it does not fit."""
    return read_adapters(path, family_label(dit.family), layers(Path(dit.path)), original_names(dit.family))


def layers(model: Path) -> dict[str, tuple[int, ...]]:
    """The layers of the DiT in a model folder or file, by their names in diffusers, with their weights' shapes."""
    if model.is_file():
        tensors, names = header_of(model).tensors, held_in(model, "transformer").names
        shapes = {ours: tensors[name].shape for name, ours in names.items()}
    else:
        headers = [header_of(file) for file in weight_files(model / "transformer")]
        shapes = {name: tensor.shape for header in headers for name, tensor in header.tensors.items()}
    ends = (".weight", ".bias")
    found = {
        name.removesuffix(end): shape for end in reversed(ends) for name, shape in shapes.items() if name.endswith(end)
    }
    return found
