"""Wan: our nodes make of its weights what the reference pipelines make of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_wan
import torch
from bench import Bench, loaded
from diffusers import AutoencoderKLWan, WanPipeline, WanVideoToVideoPipeline
from parity import PROMPT, SIZE, first_noise, make, pixels
from PIL import Image
from table import agree

from assets.values import Clip, Patches, Text
from nodes.dit.denoiser import Request
from nodes.dit.sampling import sample_together
from nodes.families.registry import components
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import noise_patches, patchify
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import encode_video

LARGE = {"frames": 9, "height": 64, "width": 96}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def text_to_video(models: Path) -> Path:
    return tiny_wan.write_text_to_video(models / "wan")


def reference(folder: Path, size: dict[str, int] = SIZE, **asked: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent (c t h w) and pixels (t c h w) by the reference pipeline, from the noise that our sampler draws."""
    pipeline = WanPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    noise = first_noise(components(folder), size=size)
    sizes = {"num_frames": size["frames"], "height": size["height"], "width": size["width"]}
    told = {"prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 5.0, **sizes, **asked}
    latent = pipeline(latents=noise, output_type="latent", **told).frames
    return latent[0], pipeline(latents=noise, output_type="pt", **told).frames[0]


def assert_equal(row: str, made: Any, latent: torch.Tensor, frames: torch.Tensor) -> None:
    assert float(latent.std()) > 0.1
    agree(row, "text", made.latent.data, latent)
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


def test_text_to_video_is_the_reference_pipelines(text_to_video: Path) -> None:
    assert_equal("Wan 2.1 T2V", make(text_to_video), *reference(text_to_video))


def test_a_negative_text_leads_away_as_in_the_reference_pipeline(text_to_video: Path) -> None:
    away = "two blue balls at night"
    made, known = make(text_to_video, negative=away), reference(text_to_video, negative_prompt=away)
    assert_equal("Wan 2.1 T2V", made, *known)


def test_two_experts_share_the_way_as_in_wan_2_2(models: Path) -> None:
    folder = tiny_wan.write_text_to_video(models / "a14b", experts=2, boundary=0.875)
    latent, frames = reference(folder)
    assert_equal("Wan 2.2 A14B T2V", make(folder), latent, frames)
    first = loaded(components(folder).dit).experts[0]
    alone = by_one_expert(folder, first)
    assert float((alone - latent).abs().max()) > 1e-3  # the second expert did its part


def by_one_expert(folder: Path, expert: torch.nn.Module) -> torch.Tensor:
    pipeline = WanPipeline.from_pretrained(folder, transformer=expert, transformer_2=None, boundary_ratio=None)
    pipeline.set_progress_bar_config(disable=True)
    told = {"num_frames": SIZE["frames"], "height": SIZE["height"], "width": SIZE["width"]}
    noise = first_noise(components(folder))
    latent = pipeline(PROMPT, latents=noise, output_type="latent", num_inference_steps=4, **told).frames[0]
    return torch.as_tensor(latent)


def test_text_to_video_with_a_level_a_token_is_the_reference_pipelines(models: Path) -> None:
    folder = tiny_wan.write_5b(models / "5b")
    assert components(folder).vae.stride == (4, 16, 16)
    assert_equal("Wan 2.2 TI2V-5B", make(folder, size=LARGE), *reference(folder, LARGE))


def test_an_edited_video_is_the_reference_pipelines_where_the_levels_are(
    text_to_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles, steps, skipped = components(text_to_video), 5, 2
    clip = Clip(np.random.default_rng(1).integers(0, 256, (9, 32, 48, 3), dtype=np.uint8), 16.0)
    noise = first_noise(handles)
    monkeypatch.setattr(
        "diffusers.pipelines.wan.pipeline_wan_video2video.randn_tensor", lambda *shape, **how: noise.clone()
    )
    parts = WanPipeline.from_pretrained(text_to_video).components
    names = ("tokenizer", "text_encoder", "transformer", "vae", "scheduler")
    pipeline = WanVideoToVideoPipeline(**{name: parts[name] for name in names})
    pipeline.set_progress_bar_config(disable=True)
    frames = [Image.fromarray(frame) for frame in clip.frames]
    latent = pipeline(
        frames, PROMPT, height=32, width=48, num_inference_steps=steps, guidance_scale=5.0, output_type="latent",
        strength=(steps - skipped) / steps,
    ).frames[0]  # fmt: skip

    bench, dit = Bench(), loaded(handles.dit)
    levels = dit.levels(steps, 0, [])[skipped:]
    given = patchify(encode_video(handles.vae, clip, ctx=bench), handles.dit)
    start = torch.full_like(torch.as_tensor(given.noise), float(levels[0]))
    edited = Patches(given.tokens, start, given.grids, given.patch, given.space, given.fps)
    text = encode_text(handles.text_encoder, Text(PROMPT), ctx=bench)
    (made, _), = sample_together(dit, [Request(edited, text, None, 0, 5.0, levels / levels[0])], "unipc")  # fmt: skip
    ours = unpatchify(torch.as_tensor(made.tokens)[None], made.grids[0], made.patch)[0]
    agree("Wan 2.1 T2V", "edit", ours, latent)


@pytest.mark.parametrize("write", [tiny_wan.write_text_to_video, tiny_wan.write_5b], ids=["2.1", "5b of 2.2"])
def test_a_latent_decodes_in_chunks_as_it_does_whole(models: Path, write: Any) -> None:
    folder = write(models / f"decoded {write.__name__}")
    handles = components(folder)
    vae = loaded(handles.vae)
    latent = torch.randn(1, handles.vae.channels, 7, 2, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        streamed = torch.cat(list(vae.decode_chunks(latent.split([2, 1, 4], dim=2))), dim=2)
        theirs = AutoencoderKLWan.from_pretrained(folder / "vae").eval()
        whole = theirs.decode(latent * vae.std + vae.mean).sample
    assert float(whole.std()) > 0.01
    torch.testing.assert_close(streamed, whole, atol=1e-5, rtol=0)


def test_a_canvas_is_as_long_and_wide_as_its_models_say(text_to_video: Path) -> None:
    handles = components(text_to_video)
    assert noise_patches(handles.dit, handles.vae, frames=9, height=32, width=48).grids == ((3, 2, 3),)
