"""HunyuanVideo: our nodes make of its weights what the reference pipeline makes of them."""

from pathlib import Path
from typing import Any

import pytest
import tiny_hunyuan
import torch
from bench import loaded
from diffusers import AutoencoderKLHunyuanVideo, FlowMatchEulerDiscreteScheduler, HunyuanVideoPipeline
from exact import require_exact
from parity import PROMPT, SIZE, Made, first_noise, make, pixels
from table import agree

from assets.values import Text
from nodes.api import SpecError
from nodes.dit.nodes import sample_spec
from nodes.families.registry import components
from nodes.patches.nodes import arrange_patches_spec, noise_patches, noise_patches_spec
from nodes.text_encoder.nodes import encode_text_spec

NEGATIVE = "two small blue balls"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_hunyuan.write(tmp_path_factory.mktemp("models") / "hunyuan")


def reference(folder: Path, size: dict[str, int] = SIZE, **asked: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent (c t h w) and pixels (t c h w) by the reference pipeline, from the noise that our sampler draws."""
    pipeline = HunyuanVideoPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    told = {"prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 6.0, **asked}
    told |= {"num_frames": size["frames"], "height": size["height"], "width": size["width"]}
    noise = first_noise(components(folder), size=size)
    latent = pipeline(latents=noise, output_type="latent", **told).frames
    return latent[0], pipeline(latents=noise, output_type="pt", **told).frames[0]


def require_equal(made: Made, latent: torch.Tensor, frames: torch.Tensor) -> None:
    assert float(latent.std()) > 0.1
    agree("HunyuanVideo", "text", made.latent.data, latent)
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


@pytest.mark.parametrize("size", [SIZE, {"frames": 21, "height": 48, "width": 32}, {**SIZE, "frames": 1}], ids=str)
def test_text_to_video_is_the_reference_pipelines(folder: Path, size: dict[str, int]) -> None:
    require_equal(make(folder, size=size, sampler="euler", guidance=6.0), *reference(folder, size))


def test_another_text_makes_another_clip(folder: Path) -> None:
    one, other = (make(folder, sampler="euler", prompt=text).latent for text in (PROMPT, NEGATIVE))
    assert float((torch.as_tensor(one.data) - torch.as_tensor(other.data)).abs().max()) > 1e-4


def test_with_a_negative_text_guidance_leads_away_from_it_and_is_not_told_as_well(folder: Path) -> None:
    known = reference(folder, negative_prompt=NEGATIVE, guidance_scale=1.0, true_cfg_scale=6.0)
    require_equal(make(folder, sampler="euler", guidance=6.0, negative=NEGATIVE), *known)


def test_guidance_that_is_told_follows_its_curve_over_the_steps(folder: Path) -> None:
    plain, lower, halved = (
        make(folder, sampler="euler", **asked)
        for asked in ({"guidance": 6.0}, {"guidance": 3.5}, {"guidance": 6.0, "guidance_over_steps": "0:0.5"})
    )
    assert torch.equal(torch.as_tensor(halved.latent.data), torch.as_tensor(lower.latent.data))
    assert not torch.equal(torch.as_tensor(plain.latent.data), torch.as_tensor(lower.latent.data))


def test_where_guidance_was_never_learned_it_leads_away_from_no_text(tmp_path: Path) -> None:
    folder = tiny_hunyuan.write(tmp_path / "hunyuan", guidance=False)
    known = reference(folder, negative_prompt="", true_cfg_scale=6.0)
    require_equal(make(folder, sampler="euler", guidance=6.0), *known)


def test_the_instruction_is_cut_off_and_the_padding_too(folder: Path) -> None:
    read = loaded(components(folder).text_encoder).read(PROMPT)
    assert " ".join(read.words).endswith(f"{PROMPT} <|eot_id|>")
    assert "Describe" not in read.words
    assert "<pad>" not in read.words


@pytest.mark.parametrize("steps", [1, 4, 50])
def test_the_levels_are_the_reference_schedules(folder: Path, steps: int) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
    scheduler.set_timesteps(sigmas=torch.linspace(1, 0, steps + 1)[:-1].numpy())
    levels = loaded(components(folder).dit).levels(steps, 0, [])
    torch.testing.assert_close(levels.float(), scheduler.sigmas, atol=1e-6, rtol=0)


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 7, 8])
@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_decoding_in_chunks_is_the_reference_decoder(folder: Path, frames: int, chunk: int) -> None:
    vae = AutoencoderKLHunyuanVideo.from_pretrained(folder / "vae")
    latent = torch.randn(1, 4, frames, 4, 6, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        whole = vae.decode(latent / vae.config.scaling_factor).sample
        made = torch.cat([*loaded(components(folder).vae).decode_chunks(latent.split(chunk, dim=2))], dim=2)
    assert whole.shape[2] == 1 + 4 * (frames - 1)
    torch.testing.assert_close(made, whole, atol=1e-5, rtol=0)


def test_a_run_is_resumed_and_branched_from_exactly(folder: Path) -> None:
    models = components(folder)
    require_exact(folder, noise_patches(models.dit, models.vae, **SIZE), "unipc")


def test_given_frames_are_refused_at_the_wire(folder: Path) -> None:
    models = components(folder)
    text = encode_text_spec(models.text_encoder, Text(PROMPT).spec)
    empty = noise_patches_spec(models.dit, models.vae, width=48, height=32, frames=9, fps=24)
    given = arrange_patches_spec(empty, empty, "first frame", 0, 0)
    with pytest.raises(SpecError, match="hunyuan makes whole clips only"):
        sample_spec(models.dit, given, text, 4)


def test_a_length_that_the_vae_cannot_have_is_refused_with_two_that_it_can(folder: Path) -> None:
    models = components(folder)
    with pytest.raises(SpecError, match=r"got 10 frames; it needs 1 \+ 4k.*Try 9 .* or 13"):
        noise_patches_spec(models.dit, models.vae, width=48, height=32, frames=10, fps=24)
