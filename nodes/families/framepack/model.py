"""FramePack's transformer and image encoder behind our protocols; the modules are diffusers' and transformers' own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import HunyuanVideoFramepackTransformer3DModel
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_framepack import calculate_shift
from einops import rearrange
from torch import Tensor, nn
from transformers import SiglipImageProcessor, SiglipVisionModel

from assets.values import Conditioning, DiT, ImageEncoder, ModelHandle, Patches
from assets.values.array import Array, Arrays
from assets.values.patches import Grid, grid_tokens
from nodes.dit.config import Objective
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.samplers import schedule
from nodes.dit.skipping import Skips
from nodes.families.folder import read_folder
from nodes.families.formats.loading import load_part
from nodes.families.rows import guided_by
from nodes.families.skipping import skipping
from nodes.patches.layout import patchify, unpatchify

LARGEST_SHIFT = 7.0


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    match handle:
        case DiT():
            return FramepackDiT(Path(handle.path))
        case ImageEncoder():
            return FramepackImage(Path(handle.path))
        case _:
            raise TypeError(f"FramePack has no {type(handle).__name__} of its own; it uses HunyuanVideo's")


class FramepackImage(nn.Module):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        if folder.is_file():
            self.processor = SiglipImageProcessor(**read_folder(folder).config("feature_extractor"))
        else:
            self.processor = SiglipImageProcessor.from_pretrained(folder / "feature_extractor", local_files_only=True)
        self.encoder = load_part(SiglipVisionModel, folder / "image_encoder")

    @torch.inference_mode()
    def look(self, frame: npt.NDArray[np.uint8]) -> Tensor:
        """What a picture shows, uint8 (h w 3) in sRGB -> rows (m d)."""
        # There and back to [-1, 1] as the reference goes: what is rounded down after it depends on the last bit.
        shown = rearrange((2 * (torch.as_tensor(frame).float() / 255) - 1 + 1) / 2, "h w c -> 1 c h w")
        pixels = self.processor(images=shown, return_tensors="pt", do_rescale=False).pixel_values
        rows: Tensor = self.encoder(pixels.to(self.encoder.device, self.encoder.dtype)).last_hidden_state[0]
        return rows.float().cpu()


class FramepackDiT(nn.Module):
    """Guidance is told to it as a number; with a negative text it is between the two, and the number told is 1."""

    objective: Objective = "flow"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.transformer = load_part(HunyuanVideoFramepackTransformer3DModel, folder / "transformer")
        self.scheduler: dict[str, Any] = read_folder(folder).config("scheduler")

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return schedule(steps, shift or self._shift(grids))

    def starts(self, patches: Patches) -> Tensor:
        return torch.as_tensor(patches.noise)

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        """For one section at a time: the clip around it is beside the patches."""
        (request,) = requests
        model, asked, negative, patches = self.transformer, request.conditioning, request.negative, request.patches
        text = self._words(asked.embeds, asked.extras, device)
        null = self._words(*(_read(negative) if negative else (asked.null, asked.null_extras)), device)
        image = torch.as_tensor(asked.extras["image"]).to(device, model.dtype)
        around = self._around(patches.beside, device)
        blocks = [*model.transformer_blocks, *model.single_transformer_blocks]

        def predict(x: Tensor, t: Tensor) -> Tensor:
            latent = unpatchify(x, patches.grids[0], patches.patch).to(model.dtype)
            timestep = 1000 * t.max()[None]
            between = request.guidance if negative else 1.0
            told = image.new_tensor([1000 * (1.0 if negative else request.guidance)])

            def forward(rows: Tensor, pooled: Tensor) -> Tensor:
                made: Tensor = model(
                    latent, timestep, rows, rows.new_ones(rows.shape[:2]), pooled, image, guidance=told, **around,
                    return_dict=False,
                )[0]  # fmt: skip
                return made.float()

            with skipping(blocks, skips.part("")) if skips else nullcontext():
                made = guided_by(between, lambda: forward(*text), lambda: forward(*null))
            return patchify(made, patches.patch)

        return predict

    def _shift(self, grids: Sequence[Grid]) -> float:
        """The schedule's own, or the one for the size of a section."""
        found = self.scheduler
        if not found.get("use_dynamic_shifting"):
            return float(found.get("shift", LARGEST_SHIFT))
        sizes = (found.get("base_image_seq_len", 256), found.get("max_image_seq_len", 4096))
        shifts = (found.get("base_shift", 0.5), found.get("max_shift", 1.15))
        return min(math.exp(calculate_shift(max(map(grid_tokens, grids)), *sizes, *shifts)), LARGEST_SHIFT)

    def _around(self, beside: Arrays, device: str) -> dict[str, Tensor]:
        names = {"clean": "latents_clean", "farther": "latents_history_2x", "farthest": "latents_history_4x"}
        parts = {name: torch.as_tensor(beside[name]).to(device) for name in beside}
        latents = {full: parts[name][None].to(self.transformer.dtype) for name, full in names.items()}
        return {
            **latents,
            **{f"indices_{full}": parts[f"{name} at"] for name, full in names.items()},
            "indices_latents": parts["at"],
        }

    def _words(self, rows: Array, extras: Arrays, device: str) -> tuple[Tensor, Tensor]:
        """Rows (1 m d), and the whole (1 d)."""
        rows_, pooled = (
            torch.as_tensor(one).to(device, self.transformer.dtype)[None] for one in (rows, extras["pooled"])
        )
        return rows_, pooled


def _read(conditioning: Conditioning) -> tuple[Array, Arrays]:
    return conditioning.embeds, conditioning.extras
