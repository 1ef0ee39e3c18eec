"""The parts of a family from disk: from a diffusers folder, or from a single file in whatever layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from accelerate import init_empty_weights
from diffusers import ModelMixin
from torch import Tensor, nn

from assets.weight_files import WeightsRefused
from assets.weight_headers import read_weight_header
from nodes.families.folder import weight_files
from nodes.families.formats.layouts import Part, one
from nodes.families.formats.precision import store_as_float8
from nodes.families.formats.single_file import held_in
from nodes.families.formats.state import NUMBERS, State, read_state
from nodes.families.formats.stored import FLOAT8, Packed, StoredLinear, put

M = TypeVar("M", bound=nn.Module)
SOME = 3
"""Tensors that an error names."""
UNUSED = ("lm_head", "visual_projection", "text_projection", "logit_scale", "position_ids")
"""What some classes of transformers have beside what is asked of them here; some folders leave it out."""


def load_part(kind: type[M], path: Path) -> M:
    """A part as a module of this class, in eval mode, its numbers as they are stored.

    path: the part's folder, or for a single file its path and the part's name below it. WeightsRefused where the file
    does not hold what the class needs.
    """
    if path.parent.is_file():
        return _from_file(kind, path.parent, cast(Part, path.name))
    dtype = _main_dtype(path)
    compute = torch.bfloat16 if dtype == FLOAT8 else dtype
    loader = cast(Any, kind)
    named = {"torch_dtype": compute} if issubclass(kind, ModelMixin) else {"dtype": compute}
    module, told = loader.from_pretrained(
        path, local_files_only=True, use_safetensors=True, output_loading_info=True, **named
    )
    if missing := sorted(name for name in told["missing_keys"] if not any(part in name for part in UNUSED)):
        raise WeightsRefused(
            f"{path.parent.name} lacks {', '.join(missing[:SOME])}{', ...' if len(missing) > SOME else ''} of its "
            f"{path.name}, which its settings ask for; these are of another model: get the model again"
        )
    if dtype == FLOAT8:
        store_as_float8(module)
    made: M = module.eval()
    return made


def _from_file(kind: type[M], path: Path, part: Part) -> M:
    held = held_in(path, part)
    state = read_state(path, held)
    module = _empty(kind, held.config)
    _fit(module, state, path, part)
    return module.eval()


def _empty(kind: type[M], config: dict[str, Any]) -> M:
    """A module without weights yet."""
    loader = cast(Any, kind)
    with init_empty_weights():
        made: M = loader.from_config(config) if issubclass(kind, ModelMixin) else kind(loader.config_class(**config))
    return made


def _fit(module: nn.Module, state: State, path: Path, part: Part) -> None:
    """Put the tensors into the module's places; WeightsRefused where they do not fit."""
    tied = _tied(module)
    kinds = {name: tensor.dtype for name, tensor in module.state_dict().items()}
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    missing = sorted(name for name in wanted.keys() - state.tensors.keys() if tied.get(name) not in state.tensors)
    surplus = sorted(state.tensors.keys() - wanted.keys())
    for names, said in ((missing, "lacks"), (surplus, "has")):
        if names:
            what = f"{', '.join(names[:SOME])}{f' and {len(names) - SOME} more' if len(names) > SOME else ''}"
            other = "which that one has" if names is missing else "which that one has not"
            raise WeightsRefused(
                f"{path.name} looks like {one(part)} that is known here, but {said} {what}, {other}. Get the "
                "model's diffusers version, or another file."
            )
    for name, tensor in state.tensors.items():
        got = tensor.shape if isinstance(tensor, Packed) else tuple(tensor.shape)
        if tuple(got) != wanted[name]:
            raise WeightsRefused(
                f"{path.name} has {name} of {'x'.join(map(str, got))}; needs {'x'.join(map(str, wanted[name]))}. The "
                "file is damaged, or of a variant that is not known here."
            )
        if not isinstance(tensor, Packed) and kinds[name].is_floating_point and not tensor.is_floating_point():
            raise WeightsRefused(
                f"{path.name} has {name} as {tensor.dtype}; needs fractions. It is quantised in a way that is not "
                "known here: get it as bfloat16, scaled float8 or GGUF."
            )
    _place(module, state)
    if tied:
        cast(Any, module).tie_weights()


def _place(module: nn.Module, state: State) -> None:
    exact = tuple(getattr(module, "_keep_in_fp32_modules", None) or ())
    layers = dict(module.named_modules())
    plain: dict[str, Tensor] = {}
    packed: dict[str, Packed] = {}
    for name, tensor in state.tensors.items():
        above = name.rpartition(".")[0]
        dtype = torch.float32 if any(each in name.split(".") for each in exact) else state.dtype
        if isinstance(tensor, Packed):
            if isinstance(layers[above], nn.Linear) and dtype == state.dtype:
                packed[above] = tensor
            else:
                plain[name] = tensor.restored(dtype)
        else:
            plain[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor
    module.load_state_dict(plain, strict=False, assign=True)
    for name, weight in packed.items():
        put(module, name, StoredLinear(weight, cast(nn.Linear, layers[name]).bias, state.dtype))
    module.requires_grad_(False)


def _tied(module: nn.Module) -> dict[str, str]:
    """Tensors that are another one's, as transformers ties them: name -> that of the one that is stored."""
    found = getattr(module, "_tied_weights_keys", None)
    return dict(found) if isinstance(found, dict) else {}


def _main_dtype(part: Path) -> torch.dtype:
    """What most of a part's numbers are stored as."""
    counts: dict[str, int] = {}
    for file in weight_files(part):
        for tensor in read_weight_header(file).tensors.values():
            if tensor.dtype in NUMBERS:
                counts[tensor.dtype] = counts.get(tensor.dtype, 0) + _size(tensor.shape)
    return NUMBERS[max(counts, key=lambda name: counts[name])] if counts else torch.float32


def _size(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())
