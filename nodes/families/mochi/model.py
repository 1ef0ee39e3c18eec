"""Mochi's text encoder, transformer and VAE behind our protocols; the modules are diffusers' and transformers' own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import MochiTransformer3DModel
from torch import Tensor, nn

from assets.values import DiT, ModelHandle, Patches, TextEncoder, VideoVAE
from assets.values.patches import Grid
from nodes.dit.config import Objective
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.objectives import shifted
from nodes.dit.skipping import Skips
from nodes.families.folder import read_folder
from nodes.families.formats.loading import load_part
from nodes.families.mochi.attention import WholeText
from nodes.families.mochi.handles import FAMILY, MAX_TOKENS
from nodes.families.mochi.vae import MochiVAE
from nodes.families.rows import PredictClip, clip_by_clip, guided_by, text_rows
from nodes.families.schedules import linear_quadratic
from nodes.families.t5 import T5Text, load_t5


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    folder = Path(handle.path)
    match handle:
        case TextEncoder():
            # A file does not say it; the makers' folder does.
            empty_is_none = folder.is_file() or bool(read_folder(folder).index.get("force_zeros_for_empty_prompt"))
            return T5Text(*load_t5(handle), FAMILY, MAX_TOKENS, empty_is_none=empty_is_none)
        case DiT():
            return MochiDiT(folder)
        case VideoVAE():
            return MochiVAE(folder)
        case _:
            raise TypeError(f"Mochi has no {type(handle).__name__}")


class MochiDiT(nn.Module):
    """Tells the time from noise (0) to clean (1000), and predicts the way there: from noise, against our flow."""

    objective: Objective = "flow"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.transformer = load_part(MochiTransformer3DModel, folder / "transformer")
        for block in self.transformer.transformer_blocks:
            block.attn1.processor = WholeText()
        self.shift: float = read_folder(folder).config("scheduler").get("shift", 1.0)

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return shifted(linear_quadratic(steps), shift or self.shift)

    def starts(self, patches: Patches) -> Tensor:
        return torch.as_tensor(patches.noise)

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        blocks = self.transformer.transformer_blocks
        return clip_by_clip(requests, lambda request, grid: self._clip(request, device), skips, blocks)

    def _clip(self, request: Request, device: str) -> PredictClip:
        # All of the rows are text, so the padding to 256 that the makers mask out is left away.
        text = text_rows(request.conditioning.embeds, self.transformer, device)
        null = text_rows(request.away, self.transformer, device)

        def predict(latent: Tensor, levels: Tensor) -> Tensor:
            time = 1000 * (1 - levels.flatten()[:1])

            def forward(rows: Tensor) -> Tensor:
                mask = torch.ones(rows.shape[:2], dtype=torch.bool, device=rows.device)
                made: Tensor = self.transformer(latent.to(rows.dtype), rows, time, mask, return_dict=False)[0]
                return -made.float()

            return guided_by(request.guidance, lambda: forward(text), lambda: forward(null))

        return predict
