"""Latents drawn by a tiny decoder, where one for their space lies in a models folder. No torch until it draws.

Only a worker draws so, on its device; what a server without torch is to show, a worker leaves for it.
"""

import contextlib
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.tiny.files import KINDS, NAMED, TinyFile, tiny_file

Floats = npt.NDArray[np.float32]
Folders = Callable[[], tuple[Path, ...]]
PLACES = ("", "vae_approx/", "models/vae_approx/")
"""Below a models folder, which may be ComfyUI's models or ComfyUI itself."""


class TinyDecoders:
    """The tiny decoders below the models folders. Safe for threads.

    device: of torch, to draw on; None where this process is not to.
    """

    def __init__(self) -> None:
        self._folders: Folders = tuple
        self._device: str | None = None
        self._lock = threading.Lock()
        self._module: tuple[tuple[Path, int, str], Any] | None = None
        self._drawn: tuple[str, Floats] | None = None

    def look_in(self, folders: Folders, device: str | None = None) -> None:
        self._folders, self._device = folders, device

    def of(self, space: str) -> TinyFile | None:
        """The first that decodes latents of this space."""
        if not any(space.startswith(kind.space) for kind in KINDS):
            return None
        return next((tiny for tiny in self._found() if tiny.decodes(space)), None)

    def digests(self) -> list[str]:
        return [weights_digest(tiny.path) for tiny in self._found() if tiny.kind]

    def draw(self, cells: Floats, space: str) -> Floats | None:
        """Latent frames (t h w z) as pictures (t 8h 8w 3, or 16) in [-1, 1]; None where nothing here does that.

        What was drawn last is not drawn again: a latent goes through nodes that leave it as it is.
        """
        tiny = self.of(space) if self._device else None
        if tiny is None or tiny.channels != cells.shape[-1]:
            return None
        told = f"{tiny.path} {tiny.path.stat().st_mtime_ns} {space} {cells.shape} "
        key = hashlib.sha256(told.encode() + np.ascontiguousarray(cells).tobytes()).hexdigest()
        last = self._drawn
        if last and last[0] == key:
            return last[1]
        made = self._made(tiny, cells, space)
        if made is not None:
            self._drawn = key, made
        return made

    def _made(self, tiny: TinyFile, cells: Floats, space: str) -> Floats | None:
        import torch
        from einops import rearrange

        try:
            module, made = self._load(tiny, space), []
            carried: dict[int, Any] = {}
            dtype = next(module.parameters()).dtype
            with torch.no_grad():
                for frame in rearrange(torch.as_tensor(cells), "t h w z -> t 1 z h w"):
                    picture = module.pictures(frame.to(self._device, dtype), carried)
                    made.append(rearrange(picture, "1 c h w -> h w c").float().cpu().numpy())
        except (torch.OutOfMemoryError, WeightsRefused):
            return None
        return np.stack(made)

    def _load(self, tiny: TinyFile, space: str) -> Any:
        from nodes.families.tiny.model import TinyVAE

        key = (tiny.path, tiny.path.stat().st_mtime_ns, space)
        with self._lock:
            if self._module is None or self._module[0] != key:
                made = TinyVAE(tiny, space, still=True)
                on_card = str(self._device).startswith("cuda")
                self._module = key, (made.half() if on_card else made).to(self._device)
            return self._module[1]

    def _found(self) -> list[TinyFile]:
        found = []
        for folder in self._folders():
            for place in PLACES:
                for path in sorted(folder.glob(place + NAMED)):
                    with contextlib.suppress(WeightsRefused, OSError):
                        found.append(tiny_file(path))
        return [tiny for tiny in found if tiny]


tiny_decoders = TinyDecoders()
