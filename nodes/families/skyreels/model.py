"""SkyReels-V2's transformer behind our protocol; the module is diffusers' own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import SkyReelsV2Transformer3DModel
from einops import rearrange
from torch import Tensor, nn

from assets.values import DiT, ModelHandle, Patches
from assets.values.patches import Grid, grid_tokens
from nodes.dit.config import Objective
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.skipping import Skips
from nodes.families.folder import read_folder
from nodes.families.formats.loading import load_part
from nodes.families.once import Once
from nodes.families.rows import PredictClip, clip_by_clip, guided_by, text_rows
from nodes.families.schedules import unipc_levels, whole_timesteps
from nodes.families.skyreels.handles import is_forced
from nodes.families.wan.handles import MAX_TOKENS
from nodes.families.wan.told import mask_and_latent

SLOW_FPS = 16
"""The makers tell clips of this frame rate from all others, which count as 24."""


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    if not isinstance(handle, DiT):
        raise TypeError(f"SkyReels-V2 has no {type(handle).__name__} of its own; it uses Wan's")
    return SkyReelsDiT(Path(handle.path))


class SkyReelsDiT(nn.Module):
    objective: Objective = "flow"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        found = read_folder(folder)
        self.model = load_part(SkyReelsV2Transformer3DModel, folder / "transformer")
        self.forced = is_forced(found)
        sizes = self.model.config
        self.told: bool = sizes.in_channels > sizes.out_channels
        self.stride: int = sizes.in_channels - 2 * sizes.out_channels
        self.shift: float = found.config("scheduler").get("flow_shift", 8.0)

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return unipc_levels(steps, shift or self.shift)

    def starts(self, patches: Patches) -> Tensor:
        """All from noise where what is given is told by channels of its own, as in Wan."""
        noise = torch.as_tensor(patches.noise)
        return torch.ones_like(noise) if self.told else noise

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        return clip_by_clip(requests, lambda request, grid: self._clip(request, grid, device), skips, self.model.blocks)

    def _clip(self, request: Request, grid: Grid, device: str) -> PredictClip:
        text = text_rows(request.conditioning.embeds, self.model, device, MAX_TOKENS)
        null = text_rows(request.away, self.model, device, MAX_TOKENS)
        told = mask_and_latent(request.patches, self.stride).to(device, text.dtype) if self.told else None
        shown = request.conditioning.extras.get("image")
        image = None if shown is None else torch.as_tensor(shown).to(device, text.dtype)
        once = Once(self.model, grid_tokens(grid), text.shape[1], image)
        fps = [0 if request.patches.fps == SLOW_FPS else 1]

        def predict(latent: Tensor, levels: Tensor) -> Tensor:
            seen, timestep = latent.to(text.dtype), whole_timesteps(self._of_rows(levels, grid))
            seen = seen if told is None else torch.cat([seen, told], dim=1)

            def forward(rows: Tensor) -> Tensor:
                with once.of(rows):
                    made: Tensor = self.model(
                        seen, timestep, rows, image, enable_diffusion_forcing=self.forced, fps=fps, return_dict=False
                    )[0]
                return made.float()

            return guided_by(request.guidance, lambda: forward(text), lambda: forward(null))

        return predict

    def _of_rows(self, levels: Tensor, grid: Grid) -> Tensor:
        """(1 t): a latent frame's level is the highest of its tokens; (1,) where the DiT takes one for all."""
        if not self.forced:
            return levels.flatten()[:1]
        t, h, w = grid
        return rearrange(levels.expand(1, t * h * w), "b (t hw) -> b t hw", t=t).amax(2)
