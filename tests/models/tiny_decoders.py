"""Tiny decoders as their makers publish them, every weight at random; and what these make, a frame at a time.

The layers, their numbers and what they do: github.com/madebyollin/taehv, and /taem1 for Mochi.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

State = dict[str, torch.Tensor]
KINDS: dict[str, dict[str, Any]] = {
    "taew2_1": {"channels": 16},
    "lighttaew2_1": {"channels": 16},
    "taew2_2": {"channels": 48, "patch": 2},
    "taew2_2_super": {"channels": 48, "patch": 2, "larger": True},
    "taehv": {"channels": 16},
    "taecvx": {"channels": 16},
    "taem1": {"channels": 12, "grow": (1, 2, 3), "pools": (3, 2, 1)},
}
OF_OTHER_MODELS: dict[str, dict[str, Any]] = {
    "taehv1_5": {"channels": 32, "patch": 2},
    "taeltx_2": {"channels": 128, "patch": 4, "grow": (2, 2, 2), "pools": (2, 2, 2)},
    "taeos1_3": {"channels": 16},
}
WIDTHS = (12, 10, 8, 6)


def write(folder: Path, name: str, dtype: torch.dtype = torch.float32) -> Path:
    made = folder / f"{name}.safetensors"
    made.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.to(dtype) for key, tensor in state(**(KINDS | OF_OTHER_MODELS)[name]).items()}, made)
    return made


def state(
    channels: int,
    patch: int = 1,
    grow: tuple[int, ...] = (1, 2, 2),
    pools: tuple[int, ...] = (2, 2, 1),
    larger: bool = False,
) -> State:
    random = torch.Generator().manual_seed(0)
    made: State = {}

    def conv(name: str, out: int, into: int, size: int = 3, *, bias: bool = True) -> None:
        made[f"{name}.weight"] = torch.randn(out, into, size, size, generator=random) * (into * size * size) ** -0.5
        if bias:
            made[f"{name}.bias"] = torch.randn(out, generator=random) * 0.1

    def memory_blocks(side: str, first: int, width: int) -> None:
        for block in range(first, first + 3):
            for number, into in ((0, 2 * width), (2, width), (4, width)):
                conv(f"{side}.{block}.conv.{number}", width, into)

    def wide_blocks(first: int, width: int) -> None:
        for block in range(first, first + 3):
            conv(f"decoder.{block}.conv.0", 2 * width, 1, 7, bias=False)
            conv(f"decoder.{block}.conv.1", 4 * width, 2 * width, 1)
            conv(f"decoder.{block}.conv.3", width, 4 * width, 1, bias=False)

    end = WIDTHS[-1]
    if larger:
        conv("decoder.0", WIDTHS[0], channels, 1, bias=False)
    else:
        conv("decoder.1", WIDTHS[0], channels)
    for stage, (width, out, frames) in enumerate(zip(WIDTHS, WIDTHS[1:], grow, strict=False)):
        if larger:
            wide_blocks(1 + 7 * stage, width)
            conv(f"decoder.{4 + 7 * stage}", 4 * out, width)
            conv(f"decoder.{7 + 7 * stage}.conv", frames * out, out, 1, bias=False)
            continue
        memory_blocks("decoder", 3 + 6 * stage, width)
        conv(f"decoder.{7 + 6 * stage}.conv", frames * width, width, 1, bias=False)
        conv(f"decoder.{8 + 6 * stage}", out, width, bias=False)
    conv("decoder.22", 3 * patch**2, end)
    made["decoder.22.weight"] *= 0.2
    made["decoder.22.bias"] += 0.5
    conv("encoder.0", end, 3 * patch**2)
    for stage, frames in enumerate(pools):
        conv(f"encoder.{2 + 5 * stage}.conv", end, frames * end, 1, bias=False)
        conv(f"encoder.{3 + 5 * stage}", end, end, bias=False)
        memory_blocks("encoder", 4 + 5 * stage, end)
    conv("encoder.17", channels, end)
    return made


def decoded(state: State, latent: torch.Tensor, patch: int = 1) -> torch.Tensor:
    """Latent (t z h w) -> all frames (t' 3 h w) in [0, 1], those before the clip too; each goes its way by itself."""
    past: State = {}
    made: list[torch.Tensor] = []

    def go(layer: int, x: torch.Tensor) -> None:
        name = f"decoder.{layer}"
        if layer == 23:
            made.append((F.pixel_shuffle(x, patch) if patch > 1 else x).clamp(0, 1))
        elif layer == 0:
            go(1, torch.tanh(x / 3) * 3)
        elif layer in (2, 21):
            go(layer + 1, F.relu(x))
        elif layer in (6, 12, 18):
            go(layer + 1, F.interpolate(x, scale_factor=2, mode="nearest"))
        elif layer in (7, 13, 19):
            for frame in F.conv2d(x, state[f"{name}.conv.weight"]).split(x.shape[1], dim=1):
                go(layer + 1, frame)
        elif f"{name}.conv.0.weight" in state:
            go(layer + 1, remembered(state, name, past, x))
        else:
            go(layer + 1, F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), padding=1))

    def go_larger(layer: int, x: torch.Tensor) -> None:
        name = f"decoder.{layer}"
        if layer == 23:
            made.append(F.pixel_shuffle(x, patch).clamp(0, 1))
        elif layer in (5, 12, 19):
            go_larger(layer + 2, F.pixel_shuffle(F.relu(x), 2))
        elif f"{name}.conv.3.weight" in state:
            both = torch.cat([x, past.get(name, torch.zeros_like(x))], dim=1)
            past[name] = x
            y = F.conv2d(both, state[f"{name}.conv.0.weight"], padding=3, groups=both.shape[1])
            y = F.relu(F.conv2d(y, state[f"{name}.conv.1.weight"], state[f"{name}.conv.1.bias"]))
            go_larger(layer + 1, x + F.conv2d(y, state[f"{name}.conv.3.weight"]))
        elif f"{name}.conv.weight" in state:
            for frame in F.conv2d(x, state[f"{name}.conv.weight"]).split(x.shape[1], dim=1):
                go_larger(layer + 1, frame)
        else:
            go_larger(
                layer + 1, F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), padding=int(layer > 0))
            )

    for frame in latent.split(1):
        (go_larger if "decoder.0.weight" in state else go)(0, frame)
    return torch.cat(made)


def encoded(state: State, frames: torch.Tensor, patch: int = 1) -> torch.Tensor:
    """Frames (t 3 h w) in [0, 1], as many as the pools take, -> latent (t' z h w)."""
    past: State = {}
    waiting: dict[int, list[torch.Tensor]] = {2: [], 7: [], 12: []}
    made: list[torch.Tensor] = []

    def go(layer: int, x: torch.Tensor) -> None:
        name = f"encoder.{layer}"
        if layer == 18:
            made.append(x)
        elif layer == 1:
            go(2, F.relu(x))
        elif layer in waiting:
            waiting[layer].append(x)
            weight = state[f"{name}.conv.weight"]
            if len(waiting[layer]) == weight.shape[1] // weight.shape[0]:
                some, waiting[layer] = waiting[layer], []
                go(layer + 1, F.conv2d(torch.cat(some, dim=1), weight))
        elif f"{name}.conv.0.weight" in state:
            go(layer + 1, remembered(state, name, past, x))
        else:
            stride = 2 if layer in (3, 8, 13) else 1
            go(layer + 1, F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), stride, padding=1))

    for frame in frames.split(1):
        go(0, F.pixel_unshuffle(frame, patch) if patch > 1 else frame)
    return torch.cat(made)


def remembered(state: State, name: str, past: State, x: torch.Tensor) -> torch.Tensor:
    y = torch.cat([x, past.get(name, torch.zeros_like(x))], dim=1)
    past[name] = x
    for number in (0, 2, 4):
        y = F.conv2d(y, state[f"{name}.conv.{number}.weight"], state[f"{name}.conv.{number}.bias"], padding=1)
        y = F.relu(y) if number < 4 else y
    return F.relu(y + x)
