"""HunyuanVideo behind our protocols; the modules are diffusers' and transformers' own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor, nn

from assets.values import DiT, ModelHandle, Patches, TextEncoder, VideoVAE
from assets.values.array import Array, Arrays
from assets.values.patches import Grid
from nodes.dit.config import Objective
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.samplers import schedule
from nodes.dit.skipping import Skips
from nodes.families.folder import read_folder
from nodes.families.formats.loading import load_part
from nodes.families.hunyuan.pictured import PicturedText
from nodes.families.hunyuan.text import HunyuanText
from nodes.families.hunyuan.vae import HunyuanVAE
from nodes.families.rows import PredictClip, as_latent, clip_by_clip, guided_by
from nodes.families.unmasked import unmasked


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    folder = Path(handle.path)
    match handle:
        case TextEncoder():
            return PicturedText(handle) if handle.images else HunyuanText(handle)
        case DiT():
            return HunyuanDiT(folder)
        case VideoVAE():
            return HunyuanVAE(folder, handle.lead)
        case _:
            raise TypeError(f"HunyuanVideo has no {type(handle).__name__}")


class Words(NamedTuple):
    """rows (1 m d), all of them words. pooled (1 d): the whole."""

    rows: Tensor
    pooled: Tensor


class HunyuanDiT(nn.Module):
    """Guidance is told to it as a number, so one forward does; where it never learned that, there are two.

    A negative text asks for a second forward as well. Guidance is then between the two, and the number told is 1: the
    one on top of the other would be guidance squared. An image that it goes on from stands in the first latent frame
    (token_replace), or is told by channels of its own and sampled along with the rest (latent_concat).
    """

    objective: Objective = "flow"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.transformer = load_part(HunyuanVideoTransformer3DModel, folder / "transformer")
        self.blocks = [*self.transformer.transformer_blocks, *self.transformer.single_transformer_blocks]
        unmasked(self.blocks)  # what text is there is all that it is given: no padding
        told = self.transformer.config.image_condition_type
        self.pictured, self.led = told is not None, told == "latent_concat"
        self.shift: float = read_folder(folder).config("scheduler").get("shift", 7.0)

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return schedule(steps, shift or self.shift)

    def starts(self, patches: Patches) -> Tensor:
        noise = torch.as_tensor(patches.noise)
        return torch.full_like(noise, float(noise.max())) if self.led else noise

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        return clip_by_clip(requests, lambda request, grid: self._clip(request, device), skips, self.blocks)

    def _clip(self, request: Request, device: str) -> PredictClip:
        model, asked, negative = self.transformer, request.conditioning, request.negative
        text = self._words(asked.embeds, asked.extras, device)
        null = self._words(
            *((negative.embeds, negative.extras) if negative else (asked.null, asked.null_extras)), device
        )
        learned = model.config.guidance_embeds
        image = _mask_and_image(request.patches).to(device, model.dtype) if self.led else None
        # Where it begins with the image held still, not quite in noise, the DiT is told that it is (diffusers).
        highest = float(torch.as_tensor(request.patches.noise).max()) if self.pictured else 1.0

        def predict(latent: Tensor, levels: Tensor) -> Tensor:
            timestep = 1000 * levels.max()[None] / highest
            seen = latent.to(model.dtype)
            seen = seen if image is None else torch.cat([seen, image], dim=1)
            between = request.guidance if negative or not learned else 1.0
            told = text.rows.new_full((1,), 1000 * (1.0 if negative else request.guidance)) if learned else None

            def forward(words: Words) -> Tensor:
                made: Tensor = model(
                    seen, timestep, words.rows, words.rows.new_ones(words.rows.shape[:2]),
                    words.pooled, told, return_dict=False,
                )[0]  # fmt: skip
                return made.float() / highest

            return guided_by(between, lambda: forward(text), lambda: forward(null))

        return predict

    def _words(self, rows: Array, extras: Arrays, device: str) -> Words:
        return Words(
            *(torch.as_tensor(part).to(device, self.transformer.dtype)[None] for part in (rows, extras["pooled"]))
        )


def _mask_and_image(patches: Patches) -> Tensor:
    """The first latent frame of what is given, zeros after it, and where it is: (1 c+1 t h w)."""
    image = as_latent(patches)
    image[:, :, 1:] = 0
    mask = torch.zeros_like(image[:, :1])
    mask[:, :, 0] = 1
    return torch.cat([image, mask], dim=1)
