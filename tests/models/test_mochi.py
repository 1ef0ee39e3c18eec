"""Mochi: our nodes make of its weights what the reference pipeline makes of them."""

from pathlib import Path

import pytest
import tiny_mochi
import torch
from bench import loaded
from diffusers import AutoencoderKLMochi, MochiPipeline
from diffusers.pipelines.mochi.pipeline_mochi import linear_quadratic_schedule
from exact import require_exact
from parity import PROMPT, first_noise, make, pixels
from table import agree

from assets.values import Text
from nodes.api import SpecError
from nodes.dit.nodes import sample_spec
from nodes.families.registry import components
from nodes.patches.nodes import arrange_patches_spec, noise_patches, noise_patches_spec
from nodes.text_encoder.nodes import encode_text_spec

# diffusers turns autocast on for RoPE in fp32, which a CPU does not have and does not need.
pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast")
SIZE = {"frames": 13, "height": 32, "width": 48}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_mochi.write(tmp_path_factory.mktemp("models") / "mochi")


def reference(folder: Path, **asked: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent (c t h w) and pixels (t c h w) by the reference pipeline, from the noise that our sampler draws."""
    pipeline = MochiPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    size = {"num_frames": SIZE["frames"], "height": SIZE["height"], "width": SIZE["width"]}
    noise = first_noise(components(folder), size=SIZE)
    told = {"prompt": PROMPT, "num_inference_steps": 5, "guidance_scale": 4.5, **size, **asked}
    latent = pipeline(latents=noise, output_type="latent", **told).frames
    return latent[0], pipeline(latents=noise, output_type="pt", **told).frames[0]


@pytest.mark.parametrize("negative", [None, "two blue balls"])
def test_text_to_video_is_the_reference_pipelines(folder: Path, negative: str | None) -> None:
    latent, frames = reference(folder, negative_prompt=negative)
    made = make(folder, size=SIZE, steps=5, guidance=4.5, sampler="euler", negative=negative)
    assert float(latent.std()) > 0.1
    agree("Mochi", "text", made.latent.data, latent)
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


def test_without_a_text_nothing_at_all_is_read(folder: Path) -> None:
    read = loaded(components(folder).text_encoder).read
    assert read("").embeds.shape == read(PROMPT).null.shape == (0, 32)


@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_the_levels_are_the_reference_schedules(folder: Path, steps: int) -> None:
    levels = loaded(components(folder).dit).levels(steps, 0, [])
    known = linear_quadratic_schedule(steps, 0.025) if steps > 1 else [1.0]
    torch.testing.assert_close(levels, torch.tensor([*known, 0.0], dtype=torch.float64))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_decoding_in_chunks_is_the_reference_decoder(folder: Path, length: int) -> None:
    vae = AutoencoderKLMochi.from_pretrained(folder / "vae")
    latent = torch.randn(1, 12, 5, 4, 6, generator=torch.Generator().manual_seed(3))
    mean, std = (torch.tensor(vae.config[name])[:, None, None, None] for name in ("latents_mean", "latents_std"))
    with torch.no_grad():
        whole = vae.decode(latent * std + mean).sample.clamp(-1, 1)
        made = torch.cat([*loaded(components(folder).vae).decode_chunks(latent.split(length, dim=2))], dim=2)
    assert whole.shape[2] == 1 + 4 * 6
    torch.testing.assert_close(made, whole, atol=1e-5, rtol=0)


def test_encoding_is_the_reference_encoder_normalised(folder: Path) -> None:
    vae = AutoencoderKLMochi.from_pretrained(folder / "vae")
    clip = torch.rand(1, 3, 7, 32, 48, generator=torch.Generator().manual_seed(4)) * 2 - 1
    mean, std = (torch.tensor(vae.config[name])[:, None, None, None] for name in ("latents_mean", "latents_std"))
    with torch.no_grad():
        known = (vae.encode(clip).latent_dist.mode() - mean) / std
        made = loaded(components(folder).vae).encode(clip)
    assert made.shape == (1, 12, 2, 4, 6)
    torch.testing.assert_close(made, known, atol=1e-5, rtol=0)


def test_a_run_is_resumed_and_branched_from_exactly(folder: Path) -> None:
    models = components(folder)
    require_exact(folder, noise_patches(models.dit, models.vae, **SIZE), "dpm++2m")


def test_a_length_that_the_vae_cannot_have_is_refused_with_two_that_it_can(folder: Path) -> None:
    models = components(folder)
    with pytest.raises(SpecError, match=r"got 17 frames; it needs 1 \+ 6k.*Try 13 .* or 19"):
        noise_patches_spec(models.dit, models.vae, width=48, height=32, frames=17, fps=30)


def test_given_frames_are_refused_at_the_wire(folder: Path) -> None:
    models = components(folder)
    canvas = noise_patches_spec(models.dit, models.vae, width=48, height=32, frames=13, fps=30)
    arranged = arrange_patches_spec(canvas, canvas, "first frame", 0, 0)
    text = encode_text_spec(models.text_encoder, Text(PROMPT).spec)
    with pytest.raises(SpecError, match="mochi makes whole clips only"):
        sample_spec(models.dit, arranged, text, 4)
