"""CogVideoX: our nodes make of its weights what the reference pipelines make of them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_cogvideox
import torch
from bench import Bench, loaded
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, DiffusionPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.schedulers import scheduling_dpm_cogvideox
from einops import rearrange
from exact import require_exact
from parity import PROMPT, Made, first_noise, make, pixels
from PIL import Image
from table import agree
from tiny_cogvideox import TOKENS, Kind

from assets.values import Clip, ClipSpec, LatentSpec, Text
from assets.weight_files import WeightsRefused
from nodes.api import SpecError
from nodes.dit.denoiser import Request
from nodes.dit.nodes import sample_spec
from nodes.dit.objectives import signal_and_noise
from nodes.dit.sampling import Packed
from nodes.families.frames import canvas_from_frames, canvas_from_frames_spec
from nodes.families.registry import components
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import arrange_patches_spec, noise_patches, noise_patches_spec, patchify_spec
from nodes.text_encoder.nodes import encode_text_spec
from nodes.video_vae.nodes import decode_latent_spec
from nodes.video_vae.sizes import clip_length

SIZE = {"frames": 9, "height": 32, "width": 48}
NAMES = {"2b": "2B", "5b": "5B", "5b image": "5B I2V", "1.5": "1.5", "1.5 image": "1.5 I2V"}
EXACT = {"atol": 1e-5, "rtol": 0}
ONE_OF_255 = {"atol": 0.5 / 255 + 1e-5, "rtol": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made: dict[tuple[Kind, bool], Path] = {}

    def of(kind: Kind, dpm: bool = False) -> Path:
        if (kind, dpm) not in made:
            made[kind, dpm] = tiny_cogvideox.write(tmp_path_factory.mktemp("models") / "cog", kind, dpm=dpm)
        return made[kind, dpm]

    return of


def reference(folder: Path, size: dict[str, int] = SIZE, **asked: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent (c t h w) and pixels (t c h w) by the reference pipeline, from the noise that our sampler draws."""
    pipeline = DiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    told = {"prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 5.0, "max_sequence_length": TOKENS, **asked}
    told |= {"num_frames": size["frames"], "height": size["height"], "width": size["width"]}
    noise = rearrange(first_noise(components(folder), size=size), "b c t h w -> b t c h w")
    latent = pipeline(latents=noise, output_type="latent", **told).frames
    frames = pipeline(latents=noise, output_type="pt", **told).frames[0]
    return rearrange(latent, "1 t c h w -> c t h w"), frames


def require_equal(kind: Kind, made: Made, latent: torch.Tensor, frames: torch.Tensor) -> None:
    assert float(latent.std()) > 0.1
    agree(f"CogVideoX {NAMES[kind]}", "image" if kind.endswith("image") else "text", made.latent.data, latent)
    torch.testing.assert_close(pixels(made.clip), frames, **ONE_OF_255)


@pytest.mark.parametrize("size", [SIZE, {"frames": 17, "height": 48, "width": 32}, {**SIZE, "frames": 1}], ids=str)
@pytest.mark.parametrize("kind", ["2b", "5b", "1.5"])
def test_text_to_video_is_the_reference_pipelines(folder: Any, kind: Kind, size: dict[str, int]) -> None:
    require_equal(kind, make(folder(kind), size=size, sampler="ddim"), *reference(folder(kind), size))


def test_guidance_leads_away_from_a_negative_text_and_at_1_needs_none(folder: Any) -> None:
    away, plain = {"negative_prompt": "two blue balls"}, {"guidance_scale": 1.0}
    led = make(folder("2b"), sampler="ddim", negative="two blue balls")
    require_equal("2b", led, *reference(folder("2b"), **away))
    require_equal("2b", make(folder("2b"), sampler="ddim", guidance=1.0), *reference(folder("2b"), **plain))


def test_the_dpm_scheduler_of_the_5b_is_the_sampler_dpm_2m_sde(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    models = components(folder("5b", True))
    canvas = noise_patches(models.dit, models.vae, **SIZE)
    dit, text = loaded(models.dit), loaded(models.text_encoder).read(PROMPT)
    packed = Packed(dit, [Request(canvas, text, None, 0, 5.0, dit.levels(4, 0, canvas.grids))], "cpu")
    # The reference draws twice a step after the first, and uses the second alone.
    drawn = iter([step for step in range(4) for _ in range(1 if step in (0, 3) else 2)] * 2)

    def draw(*_: Any, **__: Any) -> torch.Tensor:
        noise = unpatchify(packed.draw(next(drawn)), canvas.grids[0], canvas.patch)
        return rearrange(noise, "b c t h w -> b t c h w")

    monkeypatch.setattr(scheduling_dpm_cogvideox, "randn_tensor", draw)
    require_equal("5b", make(folder("5b", True), sampler="dpm++2m sde"), *reference(folder("5b", True)))


@pytest.mark.parametrize("size", [SIZE, {"frames": 17, "height": 32, "width": 48}], ids=str)
@pytest.mark.parametrize("kind", ["5b image", "1.5 image"])
def test_an_image_is_animated_as_the_reference_pipelines_do_it(
    folder: Any, kind: Kind, size: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The reference draws the image's latent from what the VAE says; ours is the middle of it, the same each time.
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())
    models = components(folder(kind))
    canvas = canvas_from_frames(models.dit, models.vae, picture(), ctx=Bench(), frames=size["frames"])
    made = make(folder(kind), size=size, sampler="ddim", canvas=canvas)
    require_equal(kind, made, *reference(folder(kind), size, image=Image.fromarray(picture().frames[0])))


def picture() -> Clip:
    return Clip(np.random.default_rng(0).integers(0, 256, (1, 32, 48, 3), dtype=np.uint8), 8.0)


@pytest.mark.parametrize("kind", ["2b", "5b"])
@pytest.mark.parametrize("steps", [1, 2, 4, 50])
def test_the_levels_are_the_reference_schedules(folder: Any, kind: Kind, steps: int) -> None:
    scheduler = CogVideoXDDIMScheduler.from_pretrained(folder(kind) / "scheduler")
    scheduler.set_timesteps(steps)
    dit = loaded(components(folder(kind)).dit)
    levels = dit.levels(steps, 0, [])
    signal, _ = signal_and_noise("v", levels)
    assert float(levels[0]) == 1
    torch.testing.assert_close(signal[:-1] ** 2, scheduler.alphas_cumprod[scheduler.timesteps], atol=1e-12, rtol=0)
    assert torch.equal(dit.schedule.timestep(levels[:-1].float()), scheduler.timesteps)


@pytest.mark.parametrize("kind", ["5b", "1.5"])
@pytest.mark.parametrize("chunk", [1, 2, 4, 5])
def test_decoding_in_chunks_is_the_reference_decoder(folder: Any, kind: Kind, chunk: int) -> None:
    vae = AutoencoderKLCogVideoX.from_pretrained(folder(kind) / "vae")
    handle = components(folder(kind)).vae
    latent = torch.randn(1, 4, 5 + handle.lead, 4, 6, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        whole = vae.decode(latent[:, :, handle.lead :] / 0.7).sample.clamp(-1, 1)
        made = torch.cat([*loaded(handle).decode_chunks(latent.split(chunk, dim=2))], dim=2)
    assert whole.shape[2] == clip_length(handle, latent.shape[2]) == 17
    torch.testing.assert_close(made, whole, **EXACT)


@pytest.mark.parametrize("kind", ["2b", "1.5", "5b image"])
def test_a_run_is_resumed_and_branched_from_exactly(folder: Any, kind: Kind) -> None:
    models = components(folder(kind))
    told = kind.endswith("image")
    empty = noise_patches(models.dit, models.vae, **SIZE)
    canvas = canvas_from_frames(models.dit, models.vae, picture(), ctx=Bench(), frames=9) if told else empty
    require_exact(folder(kind), canvas, "dpm++2m sde" if kind == "2b" else "dpm++2m")


def test_a_length_that_the_vae_was_not_trained_on_is_refused_with_two_that_it_was(folder: Any) -> None:
    models = components(folder("5b"))
    with pytest.raises(SpecError, match=r"got 13 frames; it needs 1 \+ 8k.*Try 9 .* or 17"):
        noise_patches_spec(models.dit, models.vae, width=48, height=32, frames=13, fps=8)
    with pytest.raises(SpecError, match=r"latent of 4 frames; this VAE decodes 1 \+ 2k.*Try 3 or 5"):
        decode_latent_spec(models.vae, LatentSpec(4, 4, 4, 6, models.vae.space, 8))


def test_what_the_transformer_cannot_be_told_is_refused_at_the_wire(folder: Any) -> None:
    plain, told = components(folder("5b")), components(folder("5b image"))
    text = encode_text_spec(plain.text_encoder, Text(PROMPT).spec)
    empty = noise_patches_spec(plain.dit, plain.vae, width=48, height=32, frames=9, fps=8)
    given = arrange_patches_spec(empty, empty, "first frame", 0, 0)
    with pytest.raises(SpecError, match="cogvideox makes whole clips only"):
        sample_spec(plain.dit, given, text, 4)
    with pytest.raises(SpecError, match="on which nothing is given; this DiT goes on from the first frame"):
        sample_spec(told.dit, empty, text, 4)
    with pytest.raises(SpecError, match="goes on from the first frame alone"):
        sample_spec(told.dit, arrange_patches_spec(empty, empty, "last frame", 0, 0), text, 4)


def test_the_2bs_latents_are_not_the_5bs(folder: Any) -> None:
    small, large = components(folder("2b")), components(folder("5b"))
    with pytest.raises(SpecError, match=r"cogvideox-1.15258426.*needs 'cogvideox-0.7'"):
        noise_patches_spec(large.dit, small.vae, width=48, height=32, frames=9, fps=8)


def test_another_size_than_the_one_that_places_were_learned_for_is_refused_at_the_wire(folder: Any) -> None:
    models, largest = components(folder("5b image")), components(folder("1.5"))
    with pytest.raises(SpecError, match="canvas of 64x32 pixels; this DiT makes clips of 48x32 only"):
        canvas_from_frames_spec(models.dit, models.vae, ClipSpec(1, 32, 64, 8.0), "first frame", 9, 8.0)
    with pytest.raises(SpecError, match="canvas of 64x32 pixels; this DiT makes clips of 48x48 at most"):
        noise_patches_spec(largest.dit, largest.vae, width=64, height=32, frames=9, fps=8)
    cut = patchify_spec(LatentSpec(4, 4, 4, 8, largest.vae.space, 8), "tubelet", 1, 2, largest.dit)
    with pytest.raises(SpecError, match="canvas of 4x2 patches; this DiT makes clips of 3x3 at most"):
        sample_spec(largest.dit, cut, encode_text_spec(largest.text_encoder, Text(PROMPT).spec), 4)


def test_a_folder_whose_scheduler_says_something_else_than_v_is_refused(folder: Any, tmp_path: Path) -> None:
    shutil.copytree(folder("2b"), tmp_path / "cog")
    settings = tmp_path / "cog" / "scheduler" / "scheduler_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"prediction_type": "epsilon"}))
    with pytest.raises(WeightsRefused, match=r"predicts 'epsilon'.*CogVideoX predicts 'v_prediction'"):
        components(tmp_path / "cog")
