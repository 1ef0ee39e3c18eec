"""Latents to pictures in numpy, by what the weights folder has for their space. No torch here.

By the small decoder that was fitted to the VAE (`nodes.preview.train`), or by the linear map in the VAE's own file
(`nodes.video_vae.export`). A space of open weights by a tiny decoder on disk, in a worker (`nodes.preview.tiny`), else
by the map that was learned of it here (`nodes.preview.learned`).
"""

import contextlib
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from einops import rearrange

from assets import weight_files
from assets.weight_files import WeightsRefused, read_array, read_metadata, weights_digest
from nodes.preview.learned import colour_maps
from nodes.preview.tiny import tiny_decoders

Floats = npt.NDArray[np.float32]
Layer = tuple[Floats, Floats]
"""Weight and bias."""


def draw(cells: Floats, space: str) -> Floats | None:
    """Normalised latent frames (t h w z) as pictures in about [-1, 1]; None where nothing here knows their space.

    (t 4h 4w 3) by the small decoder, (t 8h 8w 3) or larger by a tiny one on disk, (t h w 3) by the linear map.
    """
    known = {found: path for path, found in _drawing_weights(weight_files.BUILTIN).items()}
    for kind, way in WAYS.items():
        with contextlib.suppress(WeightsRefused):
            if (kind, space) in known and (made := way(cells, known[kind, space])) is not None:
                return made
    if (made := tiny_decoders.draw(cells, space)) is not None:
        return made
    to_rgb = colour_maps.of(space)
    return None if to_rgb is None else _mapped(cells, to_rgb)


def drawn_by() -> str:
    """What a picture depends on besides its latent, for the keys of nodes that draw: the digests of what draws here."""
    digests = [weights_digest(path) for path in _drawing_weights(weight_files.BUILTIN)]
    return " ".join([*digests, *tiny_decoders.digests(), *colour_maps.digests()])


def decoded(cells: Floats, enter: Layer, middle: Layer, leave: Layer) -> Floats:
    """What `nodes.preview.model.PreviewDecoder` makes of latent frames (t h w z): (t 4h 4w 3)."""
    x = _silu(_convolved(_silu(_convolved(cells, enter)), middle))
    weight, bias = leave
    x = x @ weight[:, :, 0, 0].T + bias
    scale = round((x.shape[-1] // 3) ** 0.5)
    return rearrange(x, "t h w (c p q) -> t (h p) (w q) c", p=scale, q=scale)


def _by_decoder(cells: Floats, path: Path) -> Floats | None:
    enter, middle, leave = _layers(path)
    return decoded(cells, enter, middle, leave) if enter[0].shape[1] == cells.shape[-1] else None


def _by_map(cells: Floats, path: Path) -> Floats | None:
    return _mapped(cells, _linear_map(path))


def _mapped(cells: Floats, to_rgb: Floats) -> Floats | None:
    """to_rgb: (channels + 1, 3), the last row a constant."""
    if len(to_rgb) != cells.shape[-1] + 1:
        return None
    mapped: Floats = cells @ to_rgb[:-1] + to_rgb[-1]
    return mapped


def _convolved(x: Floats, layer: Layer) -> Floats:
    """A 3 x 3 convolution of (t h w c) with zeros around."""
    weight, bias = layer
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    made: Floats = rearrange(windows, "t h w c p q -> t h w (c p q)") @ rearrange(weight, "o c p q -> (c p q) o") + bias
    return made


def _silu(x: Floats) -> Floats:
    # x sigmoid(x), by tanh, which does not overflow.
    made: Floats = x * (0.5 + 0.5 * np.tanh(0.5 * x))
    return made


@cache
def _drawing_weights(folder: Path) -> dict[Path, tuple[str, str]]:
    """The files in a folder of weights that draw, each with its kind and the latent space that it knows."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with contextlib.suppress(WeightsRefused):
            facts = read_metadata(path)
            if facts.get("kind") in WAYS:
                found[path] = (facts["kind"], facts.get("latent_space", ""))
    return found


@cache
def _layers(path: Path) -> tuple[Layer, Layer, Layer]:
    enter, middle, leave = (
        (read_array(path, f"{name}.weight"), read_array(path, f"{name}.bias")) for name in ("enter", "middle", "leave")
    )
    return enter, middle, leave


@cache
def _linear_map(path: Path) -> Floats:
    """(channels + 1, 3), the last row a constant."""
    return read_array(path, "preview")


# By kind of weights, the better first.
WAYS = {"preview": _by_decoder, "video_vae": _by_map}
