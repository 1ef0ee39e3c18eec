"""In what precision a module's numbers are held."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from diffusers import ModelMixin
from diffusers.hooks.layerwise_casting import DEFAULT_SKIP_MODULES_PATTERN
from torch import Tensor, nn
from transformers import PreTrainedModel

from assets.values.handles import Precision
from nodes.families.formats.multiplied import MOST, TINY, MultipliedLinear, fits
from nodes.families.formats.stored import FLOAT8, Packed, StoredLinear, put, whole_again

WHOLE = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@torch.no_grad()
def set_precision(module: nn.Module, precision: Precision) -> None:
    """Hold the networks in a family's module in this precision; some layers stay in float32, as their makers say."""
    if precision in WHOLE:
        for network in networks(module):
            _make_whole(network, WHOLE[precision])
    elif precision == "float8 storage":
        for network in networks(module):
            store_as_float8(network)
    elif precision == "float8 matmul":
        for network in networks(module):
            multiply_in_float8(network)


def networks(module: nn.Module) -> Iterator[ModelMixin | PreTrainedModel]:
    """The networks of diffusers and transformers in a family's module, not those within them."""
    if isinstance(module, ModelMixin | PreTrainedModel):
        yield module
    else:
        for child in module.children():
            yield from networks(child)


@torch.no_grad()
def store_as_float8(network: nn.Module) -> None:
    """Keep the weights of its linear layers as float8, those aside that diffusers' layerwise casting leaves whole.

    Each row is scaled so that its largest number just fits, or by a power of two where that is nearer to it: so no row
    is further off than by that casting, those of small numbers are nearer by far, and float8's own stay exact.
    """
    for name, layer in _layers_for_float8(network):
        if isinstance(layer, nn.Linear):
            packed = Packed(*_scaled(layer.weight))
            put(network, name, StoredLinear(packed, layer.bias, layer.weight.dtype))


def _scaled(weight: Tensor) -> tuple[Tensor, tuple[int, ...], Tensor]:
    """(out in) as float8, its shape, and what each row is times (out 1)."""
    whole = weight.float()
    fits = whole.abs().amax(dim=1, keepdim=True).clamp(min=TINY) / MOST
    scales = fits, torch.exp2(torch.ceil(torch.log2(fits)))
    one, other = ((whole / scale).clamp(-MOST, MOST).to(FLOAT8) for scale in scales)
    pairs = zip((one, other), scales, strict=True)
    off = [(data.float() * scale - whole).norm(dim=1, keepdim=True) for data, scale in pairs]
    nearer = off[0] < off[1]
    return torch.where(nearer, one, other), tuple(weight.shape), torch.where(nearer, *scales)


@torch.no_grad()
def multiply_in_float8(network: nn.Module) -> None:
    """Lossy: have those layers multiply in float8, too; see `multiplied`."""
    for name, layer in _layers_for_float8(network):
        if fits(layer):
            dtype = layer.weight.dtype if isinstance(layer, nn.Linear) else layer.dtype
            put(network, name, MultipliedLinear(layer.weight, layer.bias, dtype))


def _layers_for_float8(network: nn.Module) -> list[tuple[str, nn.Linear | StoredLinear]]:
    """Linear layers, those aside that diffusers' layerwise casting leaves whole."""
    aside = (
        *DEFAULT_SKIP_MODULES_PATTERN,
        *(getattr(network, "_skip_layerwise_casting_patterns", None) or ()),
        *(getattr(network, "_keep_in_fp32_modules", None) or ()),
    )
    return [
        (name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | StoredLinear) and not any(re.search(pattern, name) for pattern in aside)
    ]


def _make_whole(network: nn.Module, dtype: torch.dtype) -> None:
    whole_again(network, dtype)
    exact = tuple(getattr(network, "_keep_in_fp32_modules", None) or ()) if dtype != torch.float32 else ()
    for name, parameter in network.named_parameters():
        if not any(each in name.split(".") for each in exact):
            parameter.data = parameter.data.to(dtype)
