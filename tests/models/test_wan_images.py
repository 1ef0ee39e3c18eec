"""Wan from images: our nodes make of given frames what the reference pipeline makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_wan
import torch
from bench import Bench
from diffusers import WanImageToVideoPipeline
from parity import PROMPT, SIZE, first_noise, make, pixels
from PIL import Image
from table import agree

from assets.values import Clip, Patches
from nodes.families.frames import canvas_from_frames
from nodes.families.grey import FramesPlace
from nodes.families.registry import components

LARGE = {"frames": 9, "height": 64, "width": 96}


def picture(seed: int, size: dict[str, int] = SIZE) -> Clip:
    rng = np.random.default_rng(seed)
    return Clip(rng.integers(0, 256, (1, size["height"], size["width"], 3), dtype=np.uint8), 16.0)


def as_image(clip: Clip) -> Image.Image:
    return Image.fromarray(clip.frames[0])


def canvas(
    folder: Path, clip: Clip, second: Clip | None = None, *, place: FramesPlace = "first frame", frames: int = 9
) -> Patches:
    models = components(folder)
    return canvas_from_frames(models.dit, models.vae, clip, second, ctx=Bench(), place=place, frames=frames)


def reference(
    folder: Path, first: Clip, last: Clip | None = None, size: dict[str, int] = SIZE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Latent (c t h w) and pixels (t c h w) by the reference pipeline, from the noise that our sampler draws."""
    pipeline = WanImageToVideoPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    told: dict[str, Any] = {
        "image": as_image(first), "last_image": last and as_image(last), "prompt": PROMPT, "num_inference_steps": 4,
        "guidance_scale": 5.0, "num_frames": size["frames"], "height": size["height"], "width": size["width"],
    }  # fmt: skip
    noise = first_noise(components(folder), size=size)
    latent = pipeline(latents=noise, output_type="latent", **told).frames
    return latent[0], pipeline(latents=noise, output_type="pt", **told).frames[0]


def assert_equal(row: str, task: str, made: Any, latent: torch.Tensor, frames: torch.Tensor) -> None:
    assert float(latent.std()) > 0.1
    agree(row, task, made.latent.data, latent)
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def test_an_image_is_animated_as_the_reference_pipeline_of_wan_2_1_does_it(models: Path) -> None:
    folder, first = tiny_wan.write_image_to_video(models / "i2v"), picture(1)
    made = make(folder, canvas=canvas(folder, first), pictures=(first,))
    assert_equal("Wan 2.1 I2V", "image", made, *reference(folder, first))


@pytest.mark.parametrize(("task", "last"), [("both", picture(2)), ("loop", picture(1))])
def test_between_a_first_and_a_last_frame_the_reference_pipelines_clip_is_made(
    models: Path, task: str, last: Clip
) -> None:
    folder, first = tiny_wan.write_image_to_video(models / f"flf {task}", ends=True), picture(1)
    between = canvas(folder, first, last, place="first and last frame")
    made = make(folder, canvas=between, pictures=(first, last))
    assert_equal("Wan 2.1 FLF2V", task, made, *reference(folder, first, last))


@pytest.mark.parametrize(("task", "last"), [("image", None), ("both", picture(2)), ("loop", picture(1))])
def test_two_experts_share_the_way_from_an_image_as_in_wan_2_2(models: Path, task: str, last: Clip | None) -> None:
    folder, first = models / "a14b", picture(1)
    if not folder.exists():
        tiny_wan.write_image_to_video(folder, boundary=0.9)
    place: FramesPlace = "first and last frame" if last else "first frame"
    made = make(folder, canvas=canvas(folder, first, last, place=place))
    assert_equal("Wan 2.2 A14B I2V", task, made, *reference(folder, first, last))


def test_an_image_is_animated_by_levels_a_token_as_in_the_5b_model_of_wan_2_2(models: Path) -> None:
    folder, first = tiny_wan.write_5b(models / "5b", image=True), picture(1, LARGE)
    made = make(folder, canvas=canvas(folder, first))
    assert_equal("Wan 2.2 TI2V-5B", "image", made, *reference(folder, first, size=LARGE))
