"""Tiny decoders in files, as ComfyUI keeps them in models/vae_approx: which latents they decode. No torch here.

They are TAEHV and its kin (Boer Bohan 2025, github.com/madebyollin/taehv and github.com/madebyollin/taem1, MIT; trained
further by others as lighttae). What they decode is what the DiT makes, without the family's own mean and spread.
"""

from dataclasses import dataclass, replace
from math import isqrt, prod
from pathlib import Path

from assets.weight_files import WeightsRefused
from nodes.families.formats.layouts import Shapes
from nodes.families.formats.single_file import header_of

FAMILY = "tiny"
NAMED = "*tae*.safetensors"
"""What the files of all that are known are called."""
Three = tuple[int, int, int]
GROW, GROW_LARGER, POOL = (7, 13, 19), (7, 14, 21), (2, 7, 12)
"""Layers of the decoder that make frames of one, and of the encoder that make one of several."""
SIGNS = ("decoder.1.weight", "decoder.22.weight", "decoder.3.conv.4.weight")
SIGNS_LARGER = ("decoder.0.weight", "decoder.22.weight", "decoder.3.conv.3.weight")
"""What enters, what leaves, and a block that looks back."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the makers call a tiny decoder, what it decodes, and how the names of its latent spaces begin."""

    name: str
    label: str
    space: str
    channels: int
    stride: Three


KINDS = (
    Kind("taew2_1", "Wan 2.1, Wan 2.2 A14B, SkyReels-V2", "wan-16", 16, (4, 8, 8)),
    Kind("taew2_2", "Wan 2.2 TI2V-5B", "wan-48", 48, (4, 16, 16)),
    Kind("taehv", "HunyuanVideo, FramePack", "hunyuan-16", 16, (4, 8, 8)),
    Kind("taecvx", "CogVideoX", "cogvideox-", 16, (4, 8, 8)),
    Kind("taem1", "Mochi", "mochi-12", 12, (6, 8, 8)),
)


@dataclass(frozen=True, slots=True)
class TinyFile:
    """widths: of the decoder's three stages and its end. grow: frames that each stage makes of one.

    pools: frames that each stage of the encoder makes one of, () where there is none. patch: pixels a side that leave
    at once. larger: whether its decoder is the one that the makers call super. kind: None where neither shapes nor name
    tell it.
    """

    path: Path
    channels: int
    widths: tuple[int, int, int, int]
    grow: Three
    pools: tuple[int, ...]
    patch: int
    larger: bool
    kind: Kind | None

    @property
    def stride(self) -> Three:
        """Of a latent cell, (t, h, w) in pixels."""
        return prod(self.grow), 8 * self.patch, 8 * self.patch

    def decodes(self, space: str) -> bool:
        """Whether latents of this space are what it was trained on."""
        return self.kind is not None and space.startswith(self.kind.space)


def tiny_file(path: Path) -> TinyFile | None:
    """The tiny decoder in a file, None where it holds something else. WeightsRefused where it is none that is known."""
    shapes = header_of(path).tensors
    if not any(all(sign in shapes for sign in signs) for signs in (SIGNS, SIGNS_LARGER)):
        return None
    try:
        return _read(path, shapes)
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise WeightsRefused(
            f"{path.name} looks like a tiny decoder, but {error} is not as in those that are known here "
            f"({', '.join(kind.name for kind in KINDS)}); get one of these"
        ) from error


def scale_of(space: str) -> float:
    """What its latents are multiplied by for the DiT: CogVideoX's sizes differ in it, so its decoder goes without."""
    return float(space.removeprefix("cogvideox-").removesuffix("-led")) if space.startswith("cogvideox-") else 1.0


def _read(path: Path, shapes: Shapes) -> TinyFile:
    larger = SIGNS[0] not in shapes
    enter, leave, _ = SIGNS_LARGER if larger else SIGNS
    width, channels = shapes[enter].shape[:2]
    grown = [shapes[f"decoder.{layer}.conv.weight"].shape for layer in (GROW_LARGER if larger else GROW)]
    one, two, three = (out // into for out, into, *_ in grown)
    pooled = [shapes.get(f"encoder.{layer}.conv.weight") for layer in POOL]
    pools = tuple(pool.shape[1] // pool.shape[0] for pool in pooled if pool)
    after = [into for _, into, *_ in grown] if larger else [shapes[f"decoder.{at + 1}.weight"].shape[0] for at in GROW]
    first, second, last = after
    patch = isqrt(shapes[leave].shape[0] // 3)
    made = TinyFile(path, channels, (width, first, second, last), (one, two, three), pools, patch, larger, None)
    known = [kind for kind in KINDS if (kind.channels, kind.stride) == (channels, made.stride)]
    named = known if len(known) == 1 else [kind for kind in known if kind.name in path.name.lower()]
    return replace(made, kind=named[0] if named else None)
