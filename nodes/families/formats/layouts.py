"""How single files hold a part of a family, and which of them a file is. No torch here."""

import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import isqrt
from typing import Any, Literal

from assets.weight_files import WeightsRefused
from assets.weight_headers import Tensor, WeightHeader
from nodes.families.formats.few_bits import IGNORED, SCALES, require_read
from nodes.families.formats.names import SAME, Names, Piece

Part = Literal["transformer", "vae", "text_encoder", "text_encoder_2", "image_encoder"]
PARTS: dict[Part, str] = {
    "transformer": "DiT", "vae": "video VAE", "text_encoder": "text encoder",
    "text_encoder_2": "second text encoder", "image_encoder": "image encoder",
}  # fmt: skip
Configs = dict[Part, dict[str, Any]]
Shapes = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Layout:
    """A part of a family, as some files name its tensors.

    signs: names that together tell it. names: here and in diffusers. config: of the diffusers class, from the shapes of
    its tensors by diffusers' names; KeyError or ValueError where they are none that it knows. dropped: ends of the
    names of tensors that it does without. named: what of the config a file's name tells, where shapes leave it open.
    own: where another family's files look alike, whether one is this family's, by its name and tensors.
    """

    part: Part
    signs: tuple[str, ...]
    names: Names
    config: Callable[[Shapes], dict[str, Any]]
    dropped: tuple[str, ...] = ()
    named: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda name, config: {}
    own: Callable[[str, Shapes], bool] = lambda name, tensors: True


@dataclass(frozen=True, slots=True)
class Held:
    """A part that a file holds.

    pieces: its tensors' names in the file -> what they are in diffusers. shapes: by diffusers' names. scales: a float8
    weight's name in the file -> that of its scale.
    """

    family: str
    layout: Layout
    pieces: dict[str, tuple[Piece, ...]]
    shapes: Shapes
    scales: dict[str, str]
    config: dict[str, Any]


def held_parts(header: WeightHeader) -> list[Held]:
    """All parts that a file holds, one of each kind at most; none where it is of no family that is known."""
    found: dict[Part, Held] = {}
    refused: dict[Part, WeightsRefused] = {}
    for family, layout in layouts():
        prefix = _prefix(header.tensors, layout.signs)
        if prefix is not None and layout.part not in found and layout.own(header.path.name.lower(), header.tensors):
            try:
                found[layout.part] = _held(header, family, layout, prefix)
            except WeightsRefused as why:  # another family's layout may have the same signs
                refused.setdefault(layout.part, why)
    for part in refused.keys() - found.keys():
        raise refused[part]
    return list(found.values())


def without(header: WeightHeader, parts: list[Held], part: Part) -> WeightsRefused:
    """That a file has no part of this kind, and what it holds instead."""
    what = " and ".join(f"a {family_label(each.family)} {PARTS[each.layout.part]}" for each in parts)
    some = f"tensors of no model that is known here ({', '.join(sorted(header.tensors)[:3])}, ...)"
    known = dict.fromkeys(family_label(family) for family, layout in layouts() if layout.part == part)
    return WeightsRefused(
        f"{header.path.name} holds {what or (some if header.tensors else 'no tensors')}; it needs "
        f"{one(part)} of {', '.join(known)}. Choose another file."
    )


def one(part: Part) -> str:
    """ "a DiT", "an image encoder"."""
    return f"{'an' if PARTS[part][0] in 'aeiou' else 'a'} {PARTS[part]}"


def layouts() -> Iterator[tuple[str, Layout]]:
    """(family, layout) of all families that have single files, and of T5, which several read by."""
    from nodes.families.formats import t5
    from nodes.families.registry import FAMILIES

    for family in FAMILIES:
        for layout in _of(family.name):
            yield family.name, layout
    for layout in t5.LAYOUTS:
        yield t5.NAME, layout


def original_names(family: str, layers: Collection[str]) -> list[Names]:
    """How a family's files name the layers of its DiT, of which these are all, by diffusers' names.

    Families whose own files have diffusers' names alone took their DiT from another's: any may be theirs.
    """
    found = _originals(_of(family)) or _originals(layout for _, layout in layouts())
    return [names.ending(layers) for names in found]


def vision_sizes(shapes: Shapes, head: int, whose: str, *, below: str = "", lead: int = 1) -> dict[str, Any]:
    """Of a ViT, as transformers names them; ValueError where it is not one whose heads are so wide.

    whose: "CLIP ViT-L's". below: what its tensors' names begin with. lead: rows before those of the patches.
    """
    width, _, side, _ = shapes[f"{below}embeddings.patch_embedding.weight"].shape
    if width % head:
        raise ValueError(f"its width of {width} is no multiple of {head}, as {whose}")
    patches = shapes[f"{below}embeddings.position_embedding.weight"].shape[0] - lead
    return {
        "hidden_size": width,
        "intermediate_size": shapes[f"{below}encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": count(shapes, f"{below}encoder.layers"),
        "num_attention_heads": width // head,
        "image_size": isqrt(patches) * side,
        "patch_size": side,
    }


def count(shapes: Collection[str], blocks: str) -> int:
    """How many blocks of this name tensors lie in, e.g. "transformer_blocks"; ValueError where some are missing."""
    start = f"{blocks}."
    found = {int(name.removeprefix(start).partition(".")[0]) for name in shapes if name.startswith(start)}
    if found != set(range(len(found))):
        raise ValueError(f"it has {len(found)} {blocks} up to number {max(found)}")
    return len(found)


def causal_vae_config(shapes: Shapes, block: str) -> dict[str, Any]:
    """Of a video VAE that names its tensors as CogVideoX's does: all but its strides.

    block: what the classes of its blocks begin with, in diffusers.
    """
    downs = [f"encoder.down_blocks.{number}" for number in range(count(shapes, "encoder.down_blocks"))]
    return {
        "in_channels": shapes["encoder.conv_in.conv.weight"].shape[1],
        "out_channels": shapes["decoder.conv_out.conv.weight"].shape[0],
        "latent_channels": shapes["decoder.conv_in.conv.weight"].shape[1],
        "down_block_types": [f"{block}DownBlock3D"] * len(downs),
        "up_block_types": [f"{block}UpBlock3D"] * len(downs),
        "block_out_channels": [shapes[f"{down}.resnets.0.conv1.conv.weight"].shape[0] for down in downs],
        "layers_per_block": count(shapes, f"{downs[0]}.resnets"),
    }


def family_label(name: str) -> str:
    from nodes.families.registry import FAMILIES

    return next((family.label for family in FAMILIES if family.name == name), name)


@cache
def _has_layouts(family: str) -> bool:
    return find_spec(f"nodes.families.{family}.layouts") is not None


def _of(family: str) -> tuple[Layout, ...]:
    if not _has_layouts(family):
        return ()
    made: tuple[Layout, ...] = importlib.import_module(f"nodes.families.{family}.layouts").LAYOUTS
    return made


def _originals(known: Iterable[Layout]) -> list[Names]:
    return [layout.names for layout in known if layout.part == "transformer" and layout.names != SAME]


def _prefix(tensors: Shapes, signs: tuple[str, ...]) -> str | None:
    """What stands before all signs alike, e.g. "model.diffusion_model."; None where one is missing."""
    first, *others = signs
    for name in tensors:
        if name == first or name.endswith(f".{first}"):
            prefix = name.removesuffix(first)
            if all(prefix + other in tensors for other in others):
                return prefix
    return None


def _held(header: WeightHeader, family: str, layout: Layout, prefix: str) -> Held:
    dropped = (*IGNORED, *layout.dropped)
    inside = [name for name in header.tensors if name.startswith(prefix) and not f".{name}".endswith(dropped)]
    scales = {name.removesuffix(end) + ".weight": name for name in inside for end in SCALES if name.endswith(end)}
    require_read(header, inside, scales)
    try:
        names = layout.names.ending(inside)
        pieces = {name: names.pieces(name.removeprefix(prefix)) for name in inside if name not in scales.values()}
        shapes = {piece.name: _cut(header.tensors[name], piece) for name, found in pieces.items() for piece in found}
        config = layout.config(shapes)
        config |= layout.named(header.path.name.lower(), config)
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise WeightsRefused(
            f"{header.path.name} looks like a {family_label(family)} {PARTS[layout.part]}, but {_says(error)}; it is "
            "damaged, or a variant that is not known here: get the model's diffusers version"
        ) from error
    return Held(family, layout, pieces, shapes, scales, config)


def _cut(tensor: Tensor, piece: Piece) -> Tensor:
    return tensor if piece.whole else Tensor(tensor.dtype, piece.shape(tensor.shape))


def _says(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"has no tensor {error}"
    # Python's own word, of a shape with fewer sides than are read, says nothing to who chose the file.
    told = isinstance(error, ValueError) and "unpack" not in str(error)
    return str(error) if told else "its shapes do not fit together"
