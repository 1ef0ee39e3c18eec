"""An edited clip (SDEdit): what the families with a pipeline for it make, where the levels are the pipeline's."""

from typing import Any

import pytest
import table
import torch
from bench import Bench, loaded
from diffusers import CogVideoXVideoToVideoPipeline, DiffusionPipeline, LTXConditionPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from einops import rearrange
from parity import PROMPT, first_noise
from PIL import Image
from tiny_cogvideox import TOKENS
from torch import Tensor
from variants import VARIANTS, drawn, folder

from assets.values import Patches, Text
from nodes.dit.denoiser import Request
from nodes.dit.sampling import sample_together
from nodes.families.registry import components
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import patchify
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import encode_video

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
STEPS, SKIPPED = 5, 2


def ours(name: str, sampler: Any, skipped: int) -> tuple[Tensor, Tensor]:
    """The edited latent (c t h w), and the clip's own."""
    models, size, bench = components(folder(name)), VARIANTS[name].size, Bench()
    dit = loaded(models.dit)
    given = patchify(encode_video(models.vae, drawn(1, size["frames"], size), ctx=bench), models.dit)
    levels = dit.levels(STEPS, 0, given.grids)[skipped:]
    start = torch.full_like(torch.as_tensor(given.noise), float(levels[0]))
    edited = Patches(given.tokens, start, given.grids, given.patch, given.space, 16.0)
    text = encode_text(models.text_encoder, Text(PROMPT), ctx=bench)
    (made, _), = sample_together(dit, [Request(edited, text, None, 0, 3.0, levels / levels[0])], sampler)  # fmt: skip
    latents = (unpatchify(torch.as_tensor(each.tokens)[None], each.grids[0], each.patch)[0] for each in (made, given))
    one, other = latents
    return one, other


def pictures(name: str) -> list[Image.Image]:
    size = VARIANTS[name].size
    return [Image.fromarray(frame) for frame in drawn(1, size["frames"], size).frames]


@pytest.mark.parametrize("name", ["CogVideoX 2B", "CogVideoX 5B"])
def test_cogvideox_edits_as_the_reference_pipeline_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())
    size = VARIANTS[name].size
    noise = rearrange(first_noise(components(folder(name)), size=size), "b c t h w -> b t c h w")
    monkeypatch.setattr(
        "diffusers.pipelines.cogvideo.pipeline_cogvideox_video2video.randn_tensor", lambda *shape, **how: noise.clone()
    )
    parts = DiffusionPipeline.from_pretrained(folder(name)).components
    pipeline = CogVideoXVideoToVideoPipeline(**parts)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        pictures(name), PROMPT, height=size["height"], width=size["width"], num_inference_steps=STEPS,
        guidance_scale=3.0, strength=(STEPS - SKIPPED) / STEPS, output_type="latent", max_sequence_length=TOKENS,
    ).frames  # fmt: skip
    made, clip = ours(name, "ddim", SKIPPED)
    assert float((made - clip).abs().mean()) > 0.01
    table.agree(name, "edit", made, rearrange(theirs, "1 t c h w -> c t h w"))


def test_ltx_edits_as_the_reference_pipeline_does(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "LTX-Video 0.9.5"
    size = VARIANTS[name].size
    noise = first_noise(components(folder(name)), size=size)
    monkeypatch.setattr(
        "diffusers.pipelines.ltx.pipeline_ltx_condition.randn_tensor", lambda *shape, **how: noise.clone()
    )
    pipeline = LTXConditionPipeline.from_pretrained(folder(name))
    pipeline.set_progress_bar_config(disable=True)
    made, clip = ours(name, "euler", SKIPPED)
    theirs = pipeline(
        prompt=PROMPT, latents=clip[None], denoise_strength=(STEPS - SKIPPED) / STEPS, num_inference_steps=STEPS,
        guidance_scale=3.0, num_frames=size["frames"], height=size["height"], width=size["width"], frame_rate=16,
        output_type="latent",
    ).frames[0]  # fmt: skip
    assert float((made - clip).abs().mean()) > 0.01
    table.agree(name, "edit", made, theirs)
