"""How many bytes a model's weights take, and a DiT's work on so many tokens, before it is loaded. No torch here."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, cast

from assets.values import ClipSpec, DiT, ImageEncoder, LatentSpec, ModelHandle, PatchesSpec, TextEncoder, VideoVAE
from assets.values.patches import grid_tokens
from assets.weight_headers import DTYPES, Tensor, read_weight_header
from nodes.families.folder import read_folder, weight_files
from nodes.families.footprint_vae import vae_work
from nodes.families.formats.layouts import Part

TEXT_TOKENS = 256
"""That go along with a clip's, where both go through the same attention."""
CROSS_ROWS = 512
"""Of text, padded, that Wan's cross-attention reads."""
HISTORY = 3
"""Latent frames' worth of tokens that FramePack sees beside a section."""
KEPT = 10
"""Latents in float32 that a sampler holds: state, noise, predictions, what its solver remembers."""
PAYS = 8
"""Tokens for each row of text up to which a text's keys and values are kept for the next steps (see `once`): with more,
they are some 2 % of a forward."""
# Bytes alive at most for each token and unit of the network's width: those in float32 whatever the weights are, and how
# many numbers in the type that is computed in. Counted over a forward of each at its published sizes
# (tests/models/test_footprint.py).
ALIVE = {"ltx": (8.0, 25.1), "cogvideox": (3.8, 11.2), "hunyuan": (8.3, 14.1), "framepack": (8.3, 14.1),
         "mochi": (4.0, 15.7)}  # fmt: skip


PARTS: dict[type[ModelHandle], tuple[str, ...]] = {
    DiT: ("transformer", "transformer_2"),
    TextEncoder: ("text_encoder", "text_encoder_2"),
    VideoVAE: ("vae",),
    ImageEncoder: ("image_encoder",),
}
TEXT_ALIVE = 24
"""Numbers alive at most for each token of a text and unit of its rows' width, in T5, UMT5 and LLaMA."""
BLOCK = re.compile(r"(.*?\.\d+)\.")
"""Of a tensor's name: the layer of a list that it is in."""


@lru_cache(maxsize=64)
def weights(handle: ModelHandle) -> int:
    """Bytes of a model's weights as they are held."""
    return sum(size for _, size in _sizes(handle))


@lru_cache(maxsize=64)
def streamed(handle: ModelHandle) -> int:
    """Bytes on the device of weights that come block by block: what is in no list of layers, and two of the largest."""
    whole, blocks = 0, defaultdict[str, int](int)
    for name, size in _sizes(handle):
        if found := BLOCK.match(name):
            blocks[found[1]] += size
        else:
            whole += size
    return whole + 2 * max(blocks.values(), default=0)


def blocks(handle: ModelHandle) -> int | None:
    """`streamed`, or all of the weights where that wins nothing: a video VAE's are few, and its work is large.

    None for models that are counted by nobody.
    """
    if type(handle) not in PARTS:
        return None
    return weights(handle) if isinstance(handle, VideoVAE) else streamed(handle)


def text_work(encoder: TextEncoder) -> int:
    """Bytes that reading a text takes at most beside the weights."""
    return TEXT_ALIVE * encoder.max_tokens * encoder.dim * _computed(encoder)


def video_work(vae: VideoVAE, seen: ClipSpec | LatentSpec) -> int | None:
    """Bytes that decoding a latent or encoding a clip takes beside the weights; None where that is not known."""
    return vae_work(vae, seen, _config(vae, "vae"), _computed(vae))


def work(dit: DiT, patches: PatchesSpec) -> int:
    """Bytes that a step takes at most beside the weights; clips that are packed together go one after the other."""
    rows, high, wide = max(patches.grids, key=grid_tokens)
    tokens = (min(rows, dit.section + HISTORY) if dit.section else rows) * high * wide
    config, number = _config(dit, "transformer"), _computed(dit)
    width: int = config["num_attention_heads"] * config["attention_head_dim"]
    whole, numbers = ALIVE.get(dit.family) or _alive_in_wan(dit, config, width, number)
    text = _kept_of_text(dit, config, width * number) if pays(tokens, CROSS_ROWS) else 0
    return int((tokens + TEXT_TOKENS) * width * (whole + numbers * number) + KEPT * 4 * tokens * patches.dim) + text


def pays(tokens: int, rows: int) -> bool:
    """Whether keys and values of so many rows of text are worth their memory."""
    return tokens <= PAYS * rows


def _kept_of_text(dit: DiT, config: dict[str, Any], row: int) -> int:
    """Keys and values of two texts in each block, of those families that keep them. row: bytes of one."""
    layers: int = config["num_layers"] + len(config.get("vace_layers", ()))
    return 2 * 2 * CROSS_ROWS * row * layers if dit.family in ("wan", "skyreels") else 0


def _alive_in_wan(dit: DiT, config: dict[str, Any], width: int, number: int) -> tuple[float, float]:
    """At most in the feed-forward part, or in attention; what modulates each token by itself outweighs both."""
    wider = 2 * config["ffn_dim"] / width
    if dit.family == "skyreels" or read_folder(Path(dit.path)).index.get("expand_timesteps"):
        return 24.0, 11.2 + wider
    if "vace_layers" in config:
        return 0.0, 5.5 + wider + len(config["vace_layers"])
    return max((0.0, 4.3 + wider), (6.4, 7.9), key=lambda alive: alive[0] + alive[1] * number)


def _sizes(handle: ModelHandle) -> Iterator[tuple[str, int]]:
    """Names of a model's tensors, with their bytes as they are held."""
    for part, file in _files(handle):
        header, precision = read_weight_header(file), handle.precision
        if header.gguf and precision == "as stored":
            packed = file.stat().st_size / sum(prod(tensor.shape) for tensor in header.tensors.values())
            yield from ((name, int(packed * prod(tensor.shape))) for name, tensor in header.tensors.items())
            continue
        # A file may hold several parts.
        names = _held_names(file, part) if Path(handle.path).is_file() else header.tensors.keys()
        for name in names:
            tensor = header.tensors[name]
            scales = 4 * tensor.shape[0] if precision.startswith("float8") and len(tensor.shape) == 2 else 0
            yield name, prod(tensor.shape) * _bytes(tensor, precision) + scales


def _held_names(file: Path, part: str) -> list[str]:
    from nodes.families.formats.single_file import held_in

    return list(held_in(file, cast(Part, part)).pieces)


def _bytes(tensor: Tensor, precision: str) -> int:
    """Of a number of a tensor."""
    match precision:
        case "bfloat16":
            return 2
        case "float32":
            return 4
        case "float8 storage" | "float8 matmul" if len(tensor.shape) == 2:
            return 1
    return DTYPES.get(tensor.dtype, 2)


def _computed(handle: ModelHandle) -> int:
    """Bytes of a number as it is computed with."""
    if handle.precision in ("bfloat16", "float32"):
        return 2 if handle.precision == "bfloat16" else 4
    return 4 if _stored_whole(handle) else 2


@lru_cache(maxsize=32)
def _stored_whole(handle: ModelHandle) -> bool:
    """Whether most of the weights are in float32."""
    sizes: dict[str, int] = {}
    for tensor in read_weight_header(_files(handle)[0][1]).tensors.values():
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + prod(tensor.shape)
    return max(sizes, key=lambda name: sizes[name]) == "F32"


@lru_cache(maxsize=32)
def _config(handle: ModelHandle, part: str) -> dict[str, Any]:
    return read_folder(Path(handle.path)).config(part)


def _files(handle: ModelHandle) -> list[tuple[str, Path]]:
    """What a model is read from: parts, and a file of each."""
    path, parts = Path(handle.path), PARTS[type(handle)]
    if path.is_file():
        second = getattr(handle, "second", "")
        other = parts[0] if isinstance(handle, DiT) else parts[-1]  # two experts are both transformers
        return [(parts[0], path), *([(other, Path(second))] if second else [])]
    found = read_folder(path)
    return [(part, file) for part in parts if found.has(part) for file in weight_files(path / part)]
