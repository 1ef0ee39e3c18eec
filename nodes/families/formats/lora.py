"""Whether a LoRA fits a DiT of a family: told by the layers' names and shapes alone. No torch here."""

from pathlib import Path

from assets.values import DiT
from nodes.families.folder import weight_files
from nodes.families.formats.layouts import family_label, original_names
from nodes.families.formats.lora_file import Adapter, Optional, read_adapters
from nodes.families.formats.single_file import header_of, held_in

OF_WAN = Optional(
    r"(^|[._])(k_img|v_img|norm_k_img|img_emb|add_[kv]_proj|norm_added_k|image_embedder)([._]|$)", "patch_embedding"
)
"""What shows Wan 2.1's image-to-video DiTs a picture: T2V's and 2.2's do without, and LoRAs are taken from one to the
other."""
OPTIONAL = {"wan": OF_WAN, "skyreels": OF_WAN}


def adapters_for(path: Path, dit: DiT) -> list[Adapter]:
    """What a LoRA's file changes of this DiT; WeightsRefused where it does not fit."""
    return _read(path, dit)[0]


def left_out(path: Path, dit: DiT) -> str:
    """A sentence on what of a LoRA's file is for other DiTs of the family alone, or ""; WeightsRefused as above."""
    made, left = _read(path, dit)
    if not left:
        return ""
    return (
        f"{path.name} changes {len(left)} layers that this DiT has not, or has otherwise ({left[0]}, ...): it was made "
        f"for another kind of {family_label(dit.family)}. The {len({each.layer for each in made})} others are changed."
    )


def _read(path: Path, dit: DiT) -> tuple[list[Adapter], list[str]]:
    shapes = layers(Path(dit.path))
    originals = original_names(dit.family, shapes)
    return read_adapters(path, family_label(dit.family), shapes, originals, OPTIONAL.get(dit.family))


def layers(model: Path) -> dict[str, tuple[int, ...]]:
    """The layers of the DiT in a model folder or file, by their names in diffusers, with their weights' shapes.

    And each tensor's shape by its whole name: a LoRA may change one that no layer has.
    """
    if model.is_file():
        tensors = dict(held_in(model, "transformer").shapes)
    else:
        headers = [header_of(file) for file in weight_files(model / "transformer")]
        tensors = {name: tensor for header in headers for name, tensor in header.tensors.items()}
    of_layers = {
        name.removesuffix(end): tensor.shape
        for end in (".bias", ".weight")
        for name, tensor in tensors.items()
        if name.endswith(end)
    }
    return of_layers | {name: tensor.shape for name, tensor in tensors.items()}
