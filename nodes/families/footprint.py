"""How many bytes a DiT's weights take, and its work on so many tokens, before it is loaded. No torch here."""

from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from assets.values import DiT, PatchesSpec
from assets.values.patches import grid_tokens
from assets.weight_headers import DTYPES, Tensor, WeightHeader, read_weight_header
from nodes.families.folder import read_folder, weight_files

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


@lru_cache(maxsize=32)
def weights(dit: DiT) -> int:
    """Bytes of a DiT's weights as they are held."""
    return sum(_held(read_weight_header(file), dit.precision) for file in _files(dit))


def work(dit: DiT, patches: PatchesSpec) -> int:
    """Bytes that a step takes at most beside the weights; clips that are packed together go one after the other."""
    rows, high, wide = max(patches.grids, key=grid_tokens)
    tokens = (min(rows, dit.section + HISTORY) if dit.section else rows) * high * wide
    config, number = _config(dit), _computed(dit)
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


def _held(header: WeightHeader, precision: str) -> int:
    if header.gguf and precision == "as stored":
        return header.path.stat().st_size
    return sum(prod(tensor.shape) * _bytes(tensor, precision) for tensor in header.tensors.values())


def _bytes(tensor: Tensor, precision: str) -> int:
    """Of a number of a tensor."""
    match precision:
        case "bfloat16":
            return 2
        case "float32":
            return 4
        case "float8 storage" if len(tensor.shape) == 2:
            return 1
    return DTYPES.get(tensor.dtype, 2)


def _computed(dit: DiT) -> int:
    """Bytes of a number as it is computed with."""
    if dit.precision in ("bfloat16", "float32"):
        return 2 if dit.precision == "bfloat16" else 4
    return 4 if _stored_whole(dit) else 2


@lru_cache(maxsize=32)
def _stored_whole(dit: DiT) -> bool:
    """Whether most of the weights are in float32."""
    sizes: dict[str, int] = {}
    for tensor in read_weight_header(_files(dit)[0]).tensors.values():
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + prod(tensor.shape)
    return max(sizes, key=lambda name: sizes[name]) == "F32"


@lru_cache(maxsize=32)
def _config(dit: DiT) -> dict[str, Any]:
    return read_folder(Path(dit.path)).config("transformer")


def _files(dit: DiT) -> list[Path]:
    path = Path(dit.path)
    if path.is_file():
        return [path, *([Path(dit.second)] if dit.second else [])]
    found = read_folder(path)
    return [file for part in ("transformer", "transformer_2") if found.has(part) for file in weight_files(path / part)]
