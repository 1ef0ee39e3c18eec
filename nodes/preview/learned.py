"""Linear maps from latents to colours, learned from what the video VAEs of open weights make here. No torch here.

Whenever one encodes or decodes, a latent and its frames are at hand. The map is the least-squares one over the first
clips of a VAE, each counting alike; of these only sums are kept, which say it exactly.
"""

import contextlib
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from einops import rearrange, reduce
from safetensors import SafetensorError, safe_open

from assets.codec import as_numpy
from assets.values import Clip, Latent, VideoVAE
from assets.whole_files import write_whole
from nodes.families.tiny.files import FAMILY as TINY
from nodes.models.handles import FAMILY

Floats = npt.NDArray[np.float32]
Sums = npt.NDArray[np.float64]
COLOURS = "colours"
"""Name of the folder below a store."""
CLIPS = 8
"""That a map is learned from; from then on it stays."""
FRAMES = 8
"""Latent frames of a clip that count, evenly spaced."""
PLACES_A_CHANNEL = 4
"""A clip that has fewer tells noise from colour badly."""


@dataclass(frozen=True, slots=True)
class _Learned:
    """vae: digest of its weights. clips: how many. gram (c+1, c+1), moment (c+1, 3): means over the places (z, 1)."""

    vae: str
    clips: int
    gram: Sums
    moment: Sums

    def to_rgb(self) -> Floats:
        """(channels + 1, 3), the last row a constant."""
        return np.linalg.lstsq(self.gram, self.moment, rcond=1e-9)[0].astype(np.float32)


class ColourMaps:
    """The maps by latent space, in a folder once `keep_in` names one. Safe for threads."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[int, Floats]] = {}

    def keep_in(self, folder: Path) -> None:
        self._folder = folder

    def of(self, space: str) -> Floats | None:
        """(channels + 1, 3) for a latent space, to colours in [-1, 1]; None where nothing was learned of it."""
        path = self._path(space)
        if path is None or not path.exists():
            return None
        changed = path.stat().st_mtime_ns
        if path not in self._read or self._read[path][0] != changed:
            learned = _read(path)
            if learned is None:
                return None
            self._read[path] = changed, learned.to_rgb()
        return self._read[path][1]

    def digests(self) -> list[str]:
        """Of all maps as they are."""
        paths = sorted(self._folder.glob("*.safetensors")) if self._folder else []
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]

    def learn(self, vae: VideoVAE, latent: Latent, clip: Clip) -> None:
        """Learn from a latent and the frames that a VAE makes of it, or it of them; no more once there were enough.

        Nothing is learned of the built-in VAE, which has a map of its own, of a tiny decoder, whose colours are not
        quite the VAE's, nor from what does not belong together.
        """
        path = self._path(vae.space)
        if path is None or vae.family in (FAMILY, TINY) or not _belong(vae, latent, clip):
            return
        with self._lock:
            known = _read(path) if path.exists() else None
            if known and known.vae != vae.digest:
                known = None
            if known and known.clips >= CLIPS:
                return
            places, colours = pairs(vae, latent, clip)
            if len(places) < PLACES_A_CHANNEL * places.shape[1]:
                return
            gram, moment = places.T @ places / len(places), places.T @ colours / len(places)
            if known:
                gram, moment = gram + known.gram, moment + known.moment
            self._write(path, _Learned(vae.digest, known.clips + 1 if known else 1, gram, moment))

    def _write(self, path: Path, learned: _Learned) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        said = {"vae": learned.vae, "clips": str(learned.clips)}
        arrays = {"gram": learned.gram, "moment": learned.moment}
        write_whole(path, safetensors.numpy.save(arrays, said))

    def _path(self, space: str) -> Path | None:
        """A space's name may come from a file that somebody else made, so it names none itself."""
        return self._folder / f"{hashlib.sha256(space.encode()).hexdigest()[:16]}.safetensors" if self._folder else None


colour_maps = ColourMaps()


def pairs(vae: VideoVAE, latent: Latent, clip: Clip) -> tuple[Sums, Sums]:
    """Places (n c+1) of a latent, the last of each 1, and the mean colours (n 3) in [-1, 1] of what they stand for."""
    time, high, wide = vae.stride
    cells = as_numpy(latent.data)[:, vae.lead :]
    count = cells.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, FRAMES)).round().astype(int))
    colours = []
    for row in chosen:
        frames = clip.frames[:1] if row == 0 else clip.frames[1 + (row - 1) * time : 1 + row * time]
        small = reduce(frames.astype(np.float64), "t (h p) (w q) c -> h w c", "mean", p=high, q=wide)
        colours.append(rearrange(small / 127.5 - 1, "h w c -> (h w) c"))
    places = rearrange(cells[:, chosen], "c t h w -> (t h w) c").astype(np.float64)
    return np.pad(places, ((0, 0), (0, 1)), constant_values=1.0), np.concatenate(colours)


def _belong(vae: VideoVAE, latent: Latent, clip: Clip) -> bool:
    time, high, wide = vae.stride
    channels, rows, height, width = latent.data.shape
    size = (1 + (rows - vae.lead - 1) * time, height * high, width * wide, 3)
    return (latent.space, channels) == (vae.space, vae.channels) and clip.frames.shape == size


def _read(path: Path) -> _Learned | None:
    """None where the file is damaged: it is learned anew then."""
    with contextlib.suppress(OSError, SafetensorError, KeyError, ValueError), safe_open(path, "numpy") as file:
        said: dict[str, Any] = file.metadata()
        gram, moment = file.get_tensor("gram"), file.get_tensor("moment")
        if gram.ndim == 2 and gram.shape[0] == gram.shape[1] and moment.shape == (len(gram), 3):
            return _Learned(said["vae"], int(said["clips"]), gram, moment)
    return None
