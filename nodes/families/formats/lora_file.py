"""Which layers of a DiT a LoRA's file changes, whoever wrote it. No torch here.

Key layouts: diffusers and peft (transformer.<layer>.lora_A.weight), ComfyUI and the makers' own
(diffusion_model.<layer>.lora_down.weight, .alpha, .diff, .diff_b; .diff_m is of a block's modulation), kohya and
musubi (lora_unet_<layer with _>; VideoX-Fun's begin with lora_unet__), DiffSynth (pipe.dit.<layer>).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from assets.weight_files import WeightsRefused
from assets.weight_headers import Tensor, WeightHeader
from nodes.families.formats.guess import seems
from nodes.families.formats.names import SAME, Names, Piece
from nodes.families.formats.single_file import header_of

Role = Literal["down", "up", "alpha", "diff", "diff_b", "up_b"]
ROLES: tuple[tuple[str, Role], ...] = (
    (r"lora_A(\.\w+)?\.weight|lora_down\.weight|lora\.down\.weight", "down"),
    (r"lora_B(\.\w+)?\.weight|lora_up\.weight|lora\.up\.weight", "up"),
    (r"lora_B(\.\w+)?\.bias|lora_up\.bias", "up_b"),
    (r"alpha", "alpha"),
    (r"diff|w_norm|diff_m", "diff"),
    (r"diff_b|b_norm", "diff_b"),
)
MODULATION = ".diff_m"
PREFIXES = ("base_model.model.", "pipe.dit.", "model.diffusion_model.", "diffusion_model.", "transformer.", "unet.")
FLAT = ("lora_unet_", "lora_unet__", "lora_transformer_")
METADATA = "lora_adapter_metadata"
FRACTIONS = ("F32", "F16", "BF16", "F64", "F8_E4M3", "F8_E5M2")

Shapes = Mapping[str, tuple[int, ...]]
"""A layer's name in diffusers -> the shape of its weight; of its bias, too, under that one's own name."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A change of a layer: names of tensors in the file by their role, and alpha where the file's metadata has it.

    The weight becomes W + scale B A, or W + diff; the bias b + diff_b. Of B and of the differences those rows count
    that the piece says.
    """

    piece: Piece
    tensors: dict[Role, str]
    alpha: float | None = None

    @property
    def layer(self) -> str:
        return self.piece.name


@dataclass(frozen=True, slots=True)
class Optional:
    """What some DiTs of a family have and others do without, so that a LoRA for either serves both.

    layers: a regular expression for names in files. entrance: the layer, in diffusers, that takes in more channels in
    some.
    """

    layers: str
    entrance: str


@dataclass(slots=True)
class _Found:
    tensors: dict[Role, str] = field(default_factory=dict)


def read_adapters(
    path: Path, model: str, shapes: Shapes, originals: Iterable[Names], optional: Optional | None = None
) -> tuple[list[Adapter], list[str]]:
    """What a LoRA's file changes of a DiT, and its layers that are left out; WeightsRefused for none, or another's.

    model: the DiT's family, for the sentence. originals: how the makers' own files name its layers.
    """
    header = header_of(path)
    found = _by_layer(header)
    known, ways = tuple(name for name in shapes if not name.endswith((".weight", ".bias"))), tuple(originals)
    spelt, layers = _spellings(known, ways), set(known)
    pieces = {layer: spelt.get(_bare(layer)) or _straight(_bare(layer), layers, ways) for layer in found}
    left_out = [layer for layer, ours in pieces.items() if optional and not ours and re.search(optional.layers, layer)]
    strange = [layer for layer, ours in pieces.items() if not ours and layer not in left_out]
    if strange or len(left_out) == len(found):
        raise _of_another(path, model, header, strange or left_out, len(found))
    scales = _Scales(header)
    made = []
    for layer, ours in pieces.items():
        if optional and any(_enters(header.tensors, found[layer], piece, shapes, optional) for piece in ours):
            left_out.append(layer)
            continue
        made += [Adapter(piece, found[layer].tensors, scales.alpha(piece.name)) for piece in ours]
    for adapter in made:
        _require_fit(path, model, header.tensors, adapter, shapes)
    return made, left_out


def _enters(tensors: Mapping[str, Tensor], found: _Found, piece: Piece, shapes: Shapes, optional: Optional) -> bool:
    """Whether a change is of what takes in the latent, for another number of its channels."""
    name = found.tensors.get("diff") or found.tensors.get("down")
    return piece.name == optional.entrance and bool(name) and tensors[str(name)].shape[1:] != shapes[piece.name][1:]


def is_lora(header: WeightHeader) -> bool:
    """Whether most tensors of a file are a LoRA's, by their names."""
    patterns = "|".join(f"(?:{pattern})" for pattern, role in ROLES if role != "alpha")
    told = sum(bool(re.fullmatch(rf".+\.(?:{patterns})", name)) for name in header.tensors)
    return bool(told) and 3 * told >= len(header.tensors)


def _by_layer(header: WeightHeader) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    strange: list[str] = []
    for name in header.tensors:
        for pattern, role in ROLES:
            if matched := re.fullmatch(rf"(.+)\.({pattern})", name):
                layer = matched[1] + (".modulation" if name.endswith(MODULATION) else "")
                found.setdefault(layer, _Found()).tensors[role] = name
                break
        else:
            strange.append(name)
    name = header.path.name
    if not found or len(strange) > len(found):
        raise WeightsRefused(
            f"{name} holds no LoRA ({', '.join(sorted(header.tensors)[:2]) or 'no tensors at all'}); it needs pairs of "
            "small matrices, one a layer. If it is a whole model, load it by its own node."
        )
    if strange:
        kinds = ", ".join(dict.fromkeys(each.rpartition(".")[2] for each in strange))
        raise WeightsRefused(
            f"{name} holds {strange[0]} beside its pairs of matrices, a kind of adapter that is not known here (LoHa, "
            f"LoKr, DoRA?): {kinds}, {len(strange)} in all. Get it as a plain LoRA, or merge it into the model's "
            "weights."
        )
    return found


def _bare(layer: str) -> str:
    """A layer's name without what says which model it is of."""
    for prefix in PREFIXES:
        layer = layer.removeprefix(prefix)
    return layer


def _straight(layer: str, layers: set[str], originals: tuple[Names, ...]) -> tuple[Piece, ...]:
    """What of diffusers' layers one of a file is, by name; none where it is none of this DiT's."""
    ways = (names.pieces(layer) for names in originals)
    return next((pieces for pieces in ways if layers.issuperset(piece.name for piece in pieces)), ())


@lru_cache(maxsize=8)
def _spellings(layers: tuple[str, ...], originals: tuple[Names, ...]) -> dict[str, tuple[Piece, ...]]:
    """All ways in which files name a layer -> what of diffusers' layers it is."""
    spelt: dict[str, tuple[Piece, ...]] = {}
    known = set(layers)
    for names in (*originals, SAME):
        for name in {names.theirs(layer): None for layer in layers}:
            pieces = names.pieces(name)
            if known.issuperset(piece.name for piece in pieces):
                spelt |= dict.fromkeys((name, *(flat + name.replace(".", "_") for flat in FLAT)), pieces)
    return spelt


def _of_another(path: Path, model: str, header: WeightHeader, strange: list[str], layers: int) -> WeightsRefused:
    family = seems(header.tensors)
    if family and model not in family:
        what = f"seems to be a LoRA for {family}"
    else:
        count = f"all {layers}" if len(strange) == layers else f"{len(strange)} of {layers}"
        what = f"is a LoRA of which {count} layers are none of this DiT's, {strange[0]} for one"
    return WeightsRefused(f"{path.name} {what}; this DiT is {model}. Choose a LoRA that was made for it.")


def _require_fit(path: Path, model: str, tensors: Mapping[str, Tensor], adapter: Adapter, shapes: Shapes) -> None:
    def sides(role: Role) -> tuple[int, ...] | None:
        name = adapter.tensors.get(role)
        return tensors[name].shape if name else None

    down, up, whole = sides("down"), sides("up"), sides("diff")
    if not whole and f"{adapter.layer}.weight" not in shapes and "down" in adapter.tensors:
        raise WeightsRefused(f"{path.name} changes {adapter.layer} by two matrices, which is none; get it again")
    if (down is None) != (up is None):
        raise WeightsRefused(f"{path.name} has one matrix of two for {adapter.layer}; it is damaged: get it again")
    for role, name in adapter.tensors.items():
        dtype, shape = tensors[name].dtype, tensors[name].shape
        if role != "alpha" and (dtype not in FRACTIONS or (role in ("down", "up") and len(shape) < 2)):
            raise WeightsRefused(
                f"{path.name} has {name} as {_size(shape) or 'one number'} of {dtype}; needs a matrix of fractions "
                f"({', '.join(FRACTIONS)}): get the LoRA again"
            )
    try:
        got = adapter.piece.shape((up[0], *down[1:])) if down and up else None
        whole = adapter.piece.shape(whole) if whole else None
        biases = [adapter.piece.shape(each) for each in (sides("diff_b"), sides("up_b")) if each]
    except ValueError as error:
        raise WeightsRefused(f"{path.name} cannot be shared out: {error}; get it again") from error
    if down and up and up[1] != down[0]:
        raise WeightsRefused(
            f"{path.name} has matrices of {_size(up)} and {_size(down)} for {adapter.layer}, which do not go together; "
            "it is damaged: get it again"
        )
    bias = f"{adapter.layer}.bias"
    for found, name in ((got, adapter.layer), (whole, adapter.layer), *((each, bias) for each in biases)):
        has = shapes.get(name)
        if found and found != has:
            own = f"this DiT's is {_size(has)}" if has else "this DiT's has none"
            raise WeightsRefused(
                f"{path.name} changes {name} by {_size(found)}; {own}. The LoRA was made for another size of {model}."
            )


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


class _Scales:
    """The alphas that peft keeps in a file's metadata."""

    def __init__(self, header: WeightHeader) -> None:
        try:
            said = json.loads(header.said.get(METADATA, "{}"))
        except (TypeError, ValueError):
            said = {}
        self._said: dict[str, Any] = said if isinstance(said, dict) else {}

    def alpha(self, layer: str) -> float | None:
        """None: as large as the rank."""
        pattern = self._get("alpha_pattern")
        if isinstance(pattern, dict):
            for name, alpha in pattern.items():
                if (layer == name or layer.endswith(f".{name}")) and isinstance(alpha, int | float):
                    return float(alpha)
        alpha = self._get("lora_alpha")
        return float(alpha) if isinstance(alpha, int | float) else None

    def _get(self, key: str) -> Any:
        return self._said.get(f"transformer.{key}", self._said.get(key))
