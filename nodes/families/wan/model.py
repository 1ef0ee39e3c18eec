"""Wan's text encoder, transformer and VAE behind our protocols; the modules are diffusers' and transformers' own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel, WanVACETransformer3DModel
from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify as join_pixels
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from torch import Tensor, nn
from transformers import CLIPImageProcessor, CLIPVisionModel, UMT5EncoderModel

from assets.values import DiT, ImageEncoder, ModelHandle, Patches, TextEncoder, VideoVAE
from assets.values.patches import Grid, grid_tokens
from nodes.dit.config import Objective
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.skipping import Skips
from nodes.families.folder import read_folder
from nodes.families.formats.loading import load_part
from nodes.families.formats.tokenizer import load_reader
from nodes.families.formats.tokens import UMT5
from nodes.families.normalised import NormalisedVAE
from nodes.families.once import Once
from nodes.families.rows import PredictClip, as_latent, clip_by_clip, guided_by, text_rows
from nodes.families.schedules import unipc_levels, whole_timesteps
from nodes.families.t5 import T5Text
from nodes.families.wan.handles import FAMILY, MAX_TOKENS
from nodes.families.wan.told import mask_and_latent

Frame = npt.NDArray[np.uint8]


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    folder = Path(handle.path)
    match handle:
        case TextEncoder():
            return T5Text(*load_reader(handle, UMT5, UMT5EncoderModel), FAMILY, MAX_TOKENS, clean=prompt_clean)
        case DiT():
            return WanDiT(folder, Path(handle.second) if handle.second else None)
        case VideoVAE():
            return WanVAE(folder)
        case ImageEncoder():
            return WanImage(folder)
        case _:
            raise TypeError(f"Wan has no {type(handle).__name__}")


class WanImage(nn.Module):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        if folder.is_file():
            self.processor = CLIPImageProcessor(**read_folder(folder).config("image_processor"))
        else:
            self.processor = CLIPImageProcessor.from_pretrained(folder / "image_processor", local_files_only=True)
        self.encoder = load_part(CLIPVisionModel, folder / "image_encoder")

    @torch.inference_mode()
    def look(self, frame: Frame) -> Tensor:
        """What a picture shows, uint8 (h w 3) in sRGB -> rows (m d): those before CLIP's last layer."""
        pixels = self.processor(images=frame, return_tensors="pt").pixel_values.to(self.encoder.device)
        rows: Tensor = self.encoder(pixels.to(self.encoder.dtype), output_hidden_states=True).hidden_states[-2][0]
        return rows.float().cpu()


class WanDiT(nn.Module):
    """One transformer, or two that share the way: the second from the boundary's noise level on (Wan 2.2 A14B)."""

    objective: Objective = "flow"

    def __init__(self, folder: Path, second: Path | None = None) -> None:
        super().__init__()
        found = read_folder(folder)
        paths = [folder / part for part in ("transformer", "transformer_2") if found.has(part)]
        paths += [second / "transformer"] if second else []
        self.masked = "vace_layers" in found.config("transformer")
        kind = WanVACETransformer3DModel if self.masked else WanTransformer3DModel
        self.experts = nn.ModuleList(load_part(kind, path) for path in paths)
        pt, ph, pw = found.config("transformer")["patch_size"]
        self.patch = pt, ph, pw
        self.boundary: float = found.index.get("boundary_ratio") or 0.0
        self.per_token = bool(found.index.get("expand_timesteps"))
        self.shift: float = found.config("scheduler").get("flow_shift", 3.0)
        sizes: Any = self.experts[0].config
        self.told: bool = sizes.in_channels > sizes.out_channels
        if second:  # Wan 2.2 A14B, which its files do not tell from Wan 2.1: the makers' schedule for its two experts
            self.shift = 5.0 if self.told else 12.0
        self.stride: int = sizes.in_channels - 2 * sizes.out_channels

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return unipc_levels(steps, shift or self.shift)

    @property
    def _dtype(self) -> torch.dtype:
        dtype: torch.dtype = self.experts[0].dtype  # type: ignore[assignment]
        return dtype

    def starts(self, patches: Patches) -> Tensor:
        """All from noise where what is given is told by channels of its own; those are sampled along with the rest."""
        noise = torch.as_tensor(patches.noise)
        return torch.ones_like(noise) if self.told or self.masked else noise

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        networks: list[Any] = [expert.blocks for expert in self.experts]
        return clip_by_clip(requests, lambda request, grid: self._clip(request, grid, device), skips, *networks)

    def _clip(self, request: Request, grid: Grid, device: str) -> PredictClip:
        text = text_rows(request.conditioning.embeds, self.experts[0], device, MAX_TOKENS)
        null = text_rows(request.away, self.experts[0], device, MAX_TOKENS)
        kind = self._dtype
        told = mask_and_latent(request.patches, self.stride).to(device, kind) if self.told else None
        shown = request.conditioning.extras.get("image")
        image = None if shown is None else torch.as_tensor(shown).to(device, kind)
        control = self._control(request.patches, device) if self.masked else {}
        once = {expert: Once(expert, grid_tokens(grid), text.shape[1], image) for expert in self.experts}

        def predict(latent: Tensor, levels: Tensor) -> Tensor:
            timestep = self._timestep(levels, latent)
            model = self._expert(timestep)
            seen = latent.to(kind) if told is None else torch.cat([latent.to(kind), told], dim=1)

            def forward(rows: Tensor) -> Tensor:
                with once[model].of(rows):
                    made: Tensor = model(seen, timestep, rows, image, **control, return_dict=False)[0]
                return made.float()

            return guided_by(request.guidance, lambda: forward(text), lambda: forward(null))

        return predict

    def _control(self, patches: Patches, device: str) -> dict[str, Tensor]:
        """What VACE's own blocks read: what is kept of a clip, what lies under the mask, and the mask."""
        beside = {name: torch.as_tensor(part).to(device, self._dtype) for name, part in patches.beside.items()}
        parts = [as_latent(patches).to(device, self._dtype), beside["under"][None], beside["mask"][None]]
        sizes: Any = self.experts[0].config
        return {
            "control_hidden_states": torch.cat(parts, dim=1),
            "control_hidden_states_scale": beside["scale"].expand(len(sizes.vace_layers)),
        }

    def _expert(self, timestep: Tensor) -> nn.Module:
        """Which of two is at work; where there is one nothing is asked, so that nothing waits for the device."""
        return self.experts[-1 if self.boundary and float(timestep.max()) < 1000 * self.boundary else 0]

    def _timestep(self, levels: Tensor, latent: Tensor) -> Tensor:
        """(1,), or (1 n) where each token has its own."""
        steps = whole_timesteps(levels)
        if not self.per_token:
            return steps.flatten()[:1]
        pt, ph, pw = self.patch
        _, _, t, h, w = latent.shape
        return steps.expand(1, (t // pt) * (h // ph) * (w // pw))


class WanVAE(NormalisedVAE):
    def __init__(self, folder: Path) -> None:
        vae = load_part(AutoencoderKLWan, folder / "vae")
        super().__init__(vae, *(torch.tensor(vae.config[name]) for name in ("latents_mean", "latents_std")))

    def decode_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks of a latent along the time, one after the other, to as many of pixels: equal to decoding it whole."""
        vae, first = self.vae, True
        vae.clear_cache()
        carried = vae._feat_map  # this clip's own, so that several may be decoded in turns
        for chunk in chunks:
            latent = vae.post_quant_conv(self.restored(chunk).to(vae.dtype))
            made = []
            for frame in latent.split(1, dim=2):
                made.append(vae.decoder(frame, feat_cache=carried, feat_idx=[0], first_chunk=first))
                first = False
            pixels = torch.cat(made, dim=2)
            if vae.config.patch_size is not None:
                pixels = join_pixels(pixels, patch_size=vae.config.patch_size)
            yield pixels.float().clamp(-1, 1)
        vae.clear_cache()
