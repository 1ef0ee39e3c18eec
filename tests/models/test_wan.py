"""Wan: our nodes make of its weights what the reference pipeline makes of them."""

from pathlib import Path

import pytest
import tiny_wan
import torch
from diffusers import WanPipeline
from parity import PROMPT, SIZE, first_noise, make, pixels

from nodes.families.registry import components


@pytest.fixture(scope="module")
def text_to_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_wan.write_text_to_video(tmp_path_factory.mktemp("models") / "wan")


def reference(folder: Path, **asked: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent (c t h w) and pixels (t c h w) by the reference pipeline, from the noise that our sampler draws."""
    pipeline = WanPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    size = {"num_frames": SIZE["frames"], "height": SIZE["height"], "width": SIZE["width"]}
    noise = first_noise(components(folder))
    told = {"prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 5.0, **size, **asked}
    latent = pipeline(latents=noise, output_type="latent", **told).frames
    return latent[0], pipeline(latents=noise, output_type="pt", **told).frames[0]


def test_text_to_video_is_the_reference_pipelines(text_to_video: Path) -> None:
    latent, frames = reference(text_to_video)
    made = make(text_to_video)
    assert float(latent.std()) > 0.1
    torch.testing.assert_close(torch.as_tensor(made.latent.data), latent, atol=1e-5, rtol=0)
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)
