"""CogVideoX's text encoder, transformer and VAE behind our protocols; the modules are diffusers' and transformers'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from einops import rearrange
from torch import Tensor, nn

from assets.values import DiT, ModelHandle, Patches, TextEncoder, VideoVAE
from assets.values.patches import Grid
from nodes.dit.config import Objective
from nodes.dit.denoiser import Request
from nodes.dit.guidance import Predict
from nodes.dit.skipping import Skips
from nodes.families.cogvideox.handles import FAMILY, scale_of
from nodes.families.cogvideox.places import rotary
from nodes.families.cogvideox.schedule import Schedule
from nodes.families.folder import read_folder
from nodes.families.formats.loading import load_part
from nodes.families.rows import PredictClip, as_latent, clip_by_clip, guided_by, text_rows
from nodes.families.t5 import T5Text, load_t5


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    folder = Path(handle.path)
    match handle:
        case TextEncoder():
            # The transformer was trained on the padding's rows too, unmasked.
            return T5Text(*load_t5(handle), FAMILY, handle.max_tokens, sees_padding=True, keeps_padding=True)
        case DiT():
            return CogDiT(folder)
        case VideoVAE():
            return CogVAE(folder, handle.lead, scale_of(handle))
        case _:
            raise TypeError(f"CogVideoX has no {type(handle).__name__}")


class CogDiT(nn.Module):
    objective: Objective = "v"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        found = read_folder(folder)
        self.transformer = load_part(CogVideoXTransformer3DModel, folder / "transformer")
        self.schedule = Schedule(found.config("scheduler"))
        config, vae = self.transformer.config, found.config("vae")
        self.told = config.in_channels > vae["latent_channels"]
        # 1.5 was trained on images divided by the factor that latents are multiplied by.
        self.image_scale: float = vae["scaling_factor"] ** -2 if vae.get("invert_scale_latents") else 1.0

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return self.schedule.levels(steps, shift)

    def starts(self, patches: Patches) -> Tensor:
        """An image is told by channels of its own, and its frame is sampled along with the rest."""
        noise = torch.as_tensor(patches.noise)
        return torch.ones_like(noise) if self.told else noise

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        blocks = self.transformer.transformer_blocks
        return clip_by_clip(requests, lambda request, grid: self._clip(request, grid, device), skips, blocks)

    def _clip(self, request: Request, grid: Grid, device: str) -> PredictClip:
        config, kind = self.transformer.config, self.transformer.dtype
        text = text_rows(request.conditioning.embeds, self.transformer, device)
        null = text_rows(request.away, self.transformer, device)
        turn = rotary(config, grid, device)
        image = self._image(request.patches).to(device, kind) if self.told else None
        ofs = text.new_full((1,), 2.0) if config.ofs_embed_dim else None  # as 1.5 was trained; no more is known of it

        def predict(latent: Tensor, levels: Tensor) -> Tensor:
            timestep = self.schedule.timestep(levels.max()[None])
            seen = latent.to(kind) if image is None else torch.cat([latent.to(kind), image], dim=1)
            frames = rearrange(seen, "b c t h w -> b t c h w")

            def forward(rows: Tensor) -> Tensor:
                told = {"ofs": ofs, "image_rotary_emb": turn}
                made: Tensor = self.transformer(frames, rows, timestep, **told, return_dict=False)[0]
                return rearrange(made.float(), "b t c h w -> b c t h w")

            return guided_by(request.guidance, lambda: forward(text), lambda: forward(null))

        return predict

    def _image(self, patches: Patches) -> Tensor:
        """The first latent frame of what is given, and zeros after it: (1 c t h w)."""
        image = as_latent(patches) * self.image_scale
        image[:, :, 1:] = 0
        return image


class CogVAE(nn.Module):
    """Its normalisation spans the frames that go through it together, so it is run on as many at a time as trained.

    lead: copies of the first latent frame before it: 1.5's tokens span two latent frames, and clips have an odd number.
    scale: of the latents, for the DiT.
    """

    def __init__(self, folder: Path, lead: int, scale: float) -> None:
        super().__init__()
        self.lead, self.scale = lead, scale
        self.vae = load_part(AutoencoderKLCogVideoX, folder / "vae")

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels (1 3 t h w) in [-1, 1] -> latent (1 c t h w), scaled."""
        latent: Tensor = self.vae.encode(pixels.to(self.vae.dtype)).latent_dist.mode().float()
        led = torch.cat([*[latent[:, :, :1]] * self.lead, latent], dim=2)
        return led * self.scale

    def decode_chunks(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks of a latent along the time -> pixels of three latent frames, then of two at a time: as trained."""
        cache = None
        for latent in self._together(chunks):
            part = (latent / self.scale).to(self.vae.dtype)
            if self.vae.post_quant_conv is not None:
                part = self.vae.post_quant_conv(part)
            pixels, cache = self.vae.decoder(part, conv_cache=cache)
            yield pixels.float().clamp(-1, 1)

    def _together(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """The latent frames of the chunks as they are decoded; the only one of an image alone."""
        frames = (frame for chunk in chunks for frame in torch.split(chunk, 1, dim=2))
        left = islice(frames, self.lead, None)
        count = 3
        while some := list(islice(left, count)):
            yield torch.cat(some, dim=2)
            count = 2
