"""LTX-Video's text encoder, transformer and VAE behind our protocols; the modules are diffusers' and transformers'."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import LTXVideoTransformer3DModel
from torch import Tensor, nn

from assets.values import DiT, ModelHandle, Patches, TextEncoder, VideoVAE
from assets.values.patches import Grid, grid_tokens
from nodes.dit.config import Objective
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.objectives import shifted
from nodes.dit.skipping import Skips
from nodes.families.folder import read_folder
from nodes.families.formats.loading import load_part
from nodes.families.ltx.handles import TOKENS_BEFORE_095, is_keyed, stride
from nodes.families.ltx.places import Places, key_rows, key_tokens, keyed_places, latent_places, without_keys
from nodes.families.ltx.vae import LTXVAE
from nodes.families.once import Once
from nodes.families.rows import PredictClip, clip_by_clip, guided_by, text_rows
from nodes.families.schedules import linear_quadratic
from nodes.families.t5 import T5Text, load_t5
from nodes.patches.layout import patchify, unpatchify


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    folder = Path(handle.path)
    match handle:
        case TextEncoder():
            early = handle.max_tokens == TOKENS_BEFORE_095
            return T5Text(*load_t5(handle), handle.encoder, handle.max_tokens, sees_padding=early)
        case DiT():
            return LTXDiT(folder)
        case VideoVAE():
            return LTXVAE(folder)
        case _:
            raise TypeError(f"LTX-Video has no {type(handle).__name__}")


class LTXDiT(nn.Module):
    """A transformer that is told a noise level for each token, and its place in seconds and pixels.

    From version 0.9.5 on a single frame may be given anywhere, as tokens beside those of the canvas: see `places`.
    """

    objective: Objective = "flow"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        found = read_folder(folder)
        self.transformer = load_part(LTXVideoTransformer3DModel, folder / "transformer")
        config = self.transformer.config
        self.patch = config.patch_size_t, config.patch_size, config.patch_size
        self.stride = stride(found.config("vae"))
        self.scheduler = found.config("scheduler")
        self.keyed = is_keyed(found)

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        """Linear, then quadratic; before 0.9.5 even ones, shifted by the largest clip's size and stretched to end high.

        See diffusers pipelines/ltx, `calculate_shift`, and the scheduler's `stretch_shift_to_terminal`.
        """
        if self.keyed:
            return shifted(linear_quadratic(steps), shift or 1.0)
        even = 1 - torch.arange(steps, dtype=torch.float64) / steps
        levels = shifted(even, shift or self._shift(max(map(grid_tokens, grids))))
        last = self.scheduler.get("shift_terminal")
        if last and steps > 1:
            levels = 1 - (1 - levels) * (1 - last) / (1 - levels[-1])
        return torch.cat([levels, levels.new_zeros(1)])

    def starts(self, patches: Patches) -> Tensor:
        return without_keys(patches) if self.keyed else torch.as_tensor(patches.noise)

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        blocks = self.transformer.transformer_blocks
        return clip_by_clip(requests, lambda request, grid: self._clip(request, grid, device), skips, blocks)

    def _clip(self, request: Request, grid: Grid, device: str) -> PredictClip:
        patches = request.patches
        # All of the rows are text, so the padding that the makers mask out is left away.
        text = text_rows(request.conditioning.embeds, self.transformer, device)
        null = text_rows(request.away, self.transformer, device)
        keys, places = self._told(patches, grid, device)
        beside = keys.shape[1]
        once = Once(self.transformer, grid_tokens(grid), max(text.shape[1], null.shape[1]))

        def predict(latent: Tensor, levels: Tensor) -> Tensor:
            tokens = torch.cat([keys, patchify(latent, self.patch)], dim=1)
            if beside:
                levels = torch.cat([levels.new_zeros(1, beside), levels.expand(1, tokens.shape[1] - beside)], dim=1)

            def forward(rows: Tensor) -> Tensor:
                with once.of(rows):
                    made = self.transformer(
                        tokens.to(rows.dtype), rows, 1000 * levels, None, return_dict=False, **places
                    )
                return unpatchify(made[0][:, beside:].float(), grid, self.patch)

            return guided_by(request.guidance, lambda: forward(text), lambda: forward(null))

        return predict

    def _told(self, patches: Patches, grid: Grid, device: str) -> tuple[Tensor, Places]:
        """Tokens (1 k d) that are given beside the canvas, and where they and the canvas's are, for the transformer."""
        if not self.keyed:
            return key_tokens(patches, []).to(device), latent_places(grid, patches.fps, self.stride)
        rows = key_rows(patches)
        places = keyed_places(grid, self.patch, self.stride, patches.fps, rows)
        return key_tokens(patches, rows).to(device), {"video_coords": places.to(device)}

    def _shift(self, tokens: int) -> float:
        """The makers': its logarithm lies on a line over the number of tokens."""
        told = self.scheduler
        if not told.get("use_dynamic_shifting"):
            return float(told.get("shift", 1.0))
        low, high = told.get("base_image_seq_len", 256), told.get("max_image_seq_len", 4096)
        least, most = told.get("base_shift", 0.5), told.get("max_shift", 1.15)
        return math.exp(least + (most - least) * (tokens - low) / (high - low))
