"""LTX-Video: our nodes make of its weights what the reference pipelines make of them."""

from pathlib import Path

import pytest
import tiny_ltx
import torch
from bench import loaded
from diffusers import FlowMatchEulerDiscreteScheduler, LTXImageToVideoPipeline, LTXPipeline
from diffusers.pipelines.ltx.pipeline_ltx import calculate_shift
from exact import require_exact
from ltx_frames import CLIP, IMAGE, SIZE, as_pixels, empty, encoded, given, pictures
from parity import PROMPT, first_noise, make, pixels
from table import agree

from nodes.api import SpecError
from nodes.families.registry import components
from nodes.patches.layout import patchify, unpatchify
from nodes.patches.nodes import arrange_patches, noise_patches_spec

ASKED = {"prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 3.0}
ASKED |= {"num_frames": 17, "height": 64, "width": 96, "frame_rate": 25}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_ltx.write(tmp_path_factory.mktemp("models") / "ltx")


@pytest.fixture(scope="module")
def finishing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_ltx.write(tmp_path_factory.mktemp("models") / "ltx-0.9.1", finishes=True)


def reference(folder: Path, **asked: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent (c t h w) and pixels (t c h w) by the reference pipeline, from the noise that our sampler draws."""
    pipeline = LTXPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    noise = patchify(first_noise(components(folder), size=SIZE), (1, 1, 1))
    latent = pipeline(latents=noise, output_type="latent", **ASKED, **asked).frames
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        told = {**ASKED, **asked, "generator": generator, "decode_timestep": 0.05, "decode_noise_scale": 0.025}
        frames = pipeline(latents=noise, output_type="pt", **told).frames[0]
    return unpatchify(latent, (3, 2, 3), (1, 1, 1))[0], frames


@pytest.mark.parametrize("negative", [None, "two blue balls"])
def test_text_to_video_is_the_reference_pipelines(folder: Path, negative: str | None) -> None:
    latent, frames = reference(folder, negative_prompt=negative)
    made = make(folder, size=SIZE, guidance=3.0, sampler="euler", negative=negative)
    assert float(latent.std()) > 0.1
    agree("LTX-Video 0.9", "text", made.latent.data, latent)
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


def test_a_decoder_that_finishes_the_denoising_is_told_so_and_repeats_itself(finishing: Path) -> None:
    _, frames = reference(finishing)
    made = make(finishing, size=SIZE, guidance=3.0, sampler="euler")
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)
    before = torch.get_rng_state()
    again = make(finishing, size=SIZE, guidance=3.0, sampler="euler")
    assert torch.equal(pixels(again.clip), pixels(made.clip))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_frame_rate_tells_in_what_is_made(folder: Path) -> None:
    slow, fast = (make(folder, size={**SIZE, "fps": fps}, guidance=1.0, sampler="euler").latent for fps in (8.0, 25.0))
    assert not torch.equal(torch.as_tensor(slow.data), torch.as_tensor(fast.data))


def test_image_to_video_is_the_reference_pipelines(folder: Path) -> None:
    pipeline = LTXImageToVideoPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    noise = first_noise(components(folder), size=SIZE)
    noise[:, :, :1] = encoded(folder, IMAGE)
    told = {**ASKED, "image": pictures(IMAGE)[0], "latents": patchify(noise, (1, 1, 1))}
    latent = unpatchify(pipeline(output_type="latent", **told).frames, (3, 2, 3), (1, 1, 1))
    canvas = arrange_patches(empty(folder), given(folder, IMAGE), place="first frame")
    made = make(folder, canvas=canvas, guidance=3.0, sampler="euler")
    agree("LTX-Video 0.9", "image", made.latent.data, latent[0])


@pytest.mark.parametrize("steps", [2, 7, 50])
@pytest.mark.parametrize("tokens", [18, 1024, 13376])
def test_the_levels_are_the_reference_schedules(folder: Path, steps: int, tokens: int) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
    mu = calculate_shift(tokens, 1024, 4096, 0.95, 2.05)
    scheduler.set_timesteps(sigmas=[1 - step / steps for step in range(steps)], mu=mu)
    levels = loaded(components(folder).dit).levels(steps, 0, [(1, 1, tokens)])
    # The reference counts in fp32 throughout.
    torch.testing.assert_close(levels.float(), scheduler.sigmas, atol=5e-6, rtol=0)


def test_one_step_goes_from_noise_to_nothing(folder: Path) -> None:
    assert loaded(components(folder).dit).levels(1, 0, [(3, 2, 3)]).tolist() == [1, 0]


def test_encoding_is_the_reference_encoder_normalised(folder: Path) -> None:
    with torch.no_grad():
        made = loaded(components(folder).vae).encode(as_pixels(CLIP))
    torch.testing.assert_close(made, encoded(folder, CLIP), atol=1e-5, rtol=0)


def test_a_run_is_resumed_and_branched_from_exactly(folder: Path) -> None:
    require_exact(folder, arrange_patches(empty(folder), given(folder, IMAGE), place="first frame"), "unipc")


def test_a_length_that_the_vae_cannot_have_is_refused_with_two_that_it_can(folder: Path) -> None:
    models = components(folder)
    with pytest.raises(SpecError, match=r"got 13 frames; it needs 1 \+ 8k.*Try 9 .* or 17"):
        noise_patches_spec(models.dit, models.vae, width=96, height=64, frames=13, fps=25)
