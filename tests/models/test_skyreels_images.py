"""SkyReels-V2 from images, and long clips whose last window is shorter: as the reference pipelines make them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_skyreels
import torch
from bench import Bench
from diffusers import (
    SkyReelsV2DiffusionForcingImageToVideoPipeline,
    SkyReelsV2DiffusionForcingPipeline,
    SkyReelsV2DiffusionForcingVideoToVideoPipeline,
    SkyReelsV2ImageToVideoPipeline,
    UniPCMultistepScheduler,
)
from parity import PROMPT, SIZE, first_noise, make, pixels
from PIL import Image
from table import agree

from assets.values import Clip, ClipSpec, ConditioningSpec, Patches, Text
from nodes.api import SpecError
from nodes.dit.nodes import sample_spec
from nodes.dit.windows import sample_windows, windows
from nodes.families.frames import canvas_from_frames, canvas_from_frames_spec
from nodes.families.registry import Components, components
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import noise_patches
from nodes.text_encoder.nodes import encode_text

WINDOW, OVERLAP = 4, 1
TOLD: dict[str, Any] = {"prompt": PROMPT, "num_inference_steps": 4, "guidance_scale": 5.0}
DRAWS = "diffusers.pipelines.skyreels_v2.pipeline_skyreels_v2_diffusion_forcing{}.randn_tensor"


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_skyreels.write(tmp_path_factory.mktemp("models") / "df", forced=True)


@pytest.fixture(autouse=True)
def _keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipelines overwrite what their schedulers keep for the first correction: here each keeps its own."""
    step = UniPCMultistepScheduler.step
    monkeypatch.setattr(
        UniPCMultistepScheduler, "step", lambda self, v, t, x, **how: step(self, v, t, x.clone(), **how)
    )


def picture(seed: int) -> Clip:
    rng = np.random.default_rng(seed)
    return Clip(rng.integers(0, 256, (1, SIZE["height"], SIZE["width"], 3), dtype=np.uint8), 24.0)


def as_image(clip: Clip) -> Image.Image:
    return Image.fromarray(clip.frames[0])


def quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def sizes(size: dict[str, int]) -> dict[str, int]:
    return {"num_frames": size["frames"], "height": size["height"], "width": size["width"]}


def assert_close(ours: Any, latent: torch.Tensor, task: str, row: str = "SkyReels-V2 DF") -> None:
    assert float(latent.std()) > 0.1
    agree(row, task, ours, latent)


def test_an_image_is_animated_as_the_reference_pipeline_does_it(tmp_path: Path) -> None:
    folder, first = tiny_skyreels.write_image_to_video(tmp_path / "i2v"), picture(1)
    models = components(folder)
    canvas = canvas_from_frames(models.dit, models.vae, first, ctx=Bench(), frames=SIZE["frames"])
    made = make(folder, canvas=canvas, pictures=(first,))
    pipeline, noise = quiet(SkyReelsV2ImageToVideoPipeline.from_pretrained(folder)), first_noise(models)
    asked = {**TOLD, **sizes(SIZE), "image": as_image(first), "latents": noise}
    assert_close(made.latent.data, pipeline(output_type="latent", **asked).frames[0], "image", "SkyReels-V2 I2V")
    shown = pipeline(output_type="pt", **asked).frames[0]
    torch.testing.assert_close(pixels(made.clip), shown, atol=0.5 / 255 + 1e-5, rtol=0)


@pytest.mark.parametrize("last", [None, picture(2)], ids=["first", "first and last"])
def test_a_dit_with_a_level_a_frame_goes_on_from_images_as_the_reference_pipeline_does(
    forced: Path, last: Clip | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, parts = components(forced), SkyReelsV2DiffusionForcingPipeline.from_pretrained(forced).components
    pipeline = quiet(SkyReelsV2DiffusionForcingImageToVideoPipeline(**parts))
    # The reference puts the last image after the clip, and leaves it out of the frames: ours is the clip's last.
    size = {**SIZE, "frames": SIZE["frames"] + (4 if last else 0)}
    noise = first_noise(models, size=size)
    monkeypatch.setattr(DRAWS.format("_i2v"), lambda *shape, **how: noise[:, :, :3].clone())
    images = {"image": as_image(picture(1)), "last_image": last and as_image(last)}
    latent = pipeline(**TOLD, **images, **sizes(SIZE), output_type="latent").frames[0]
    canvas = canvas_from_frames(
        models.dit, models.vae, picture(1), last, ctx=Bench(), frames=size["frames"], fps=24.0,
        place="first and last frame" if last else "first frame",
    )  # fmt: skip
    assert_close(make(forced, canvas=canvas).latent.data, latent, "both" if last else "image")


@pytest.mark.parametrize("history", [1, 5])
def test_a_clip_goes_on_as_the_reference_pipeline_has_it(
    forced: Path, history: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, parts = components(forced), SkyReelsV2DiffusionForcingPipeline.from_pretrained(forced).components
    noise = first_noise(models)
    monkeypatch.setattr(DRAWS.format("_v2v"), lambda *shape, **how: noise.clone())
    clip = Clip(np.concatenate([picture(seed).frames for seed in range(history)]), 24.0)
    pipeline = quiet(SkyReelsV2DiffusionForcingVideoToVideoPipeline(**parts))
    frames = [Image.fromarray(frame) for frame in clip.frames]
    told = {**TOLD, **sizes(SIZE), "overlap_history": history, "base_num_frames": SIZE["frames"]}
    latent = pipeline(frames, output_type="latent", **told).frames[0]
    canvas = canvas_from_frames(models.dit, models.vae, clip, ctx=Bench(), place="start", frames=SIZE["frames"])
    assert_close(make(forced, canvas=canvas).latent.data, latent, "on")


def test_text_to_video_by_levels_a_frame_is_the_reference_pipelines(
    forced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = components(forced)
    noise = first_noise(models)
    monkeypatch.setattr(DRAWS.format(""), lambda *shape, **how: noise.clone())
    pipeline = quiet(SkyReelsV2DiffusionForcingPipeline.from_pretrained(forced))
    latent = pipeline(**TOLD, **sizes(SIZE), output_type="latent").frames[0]
    canvas = noise_patches(models.dit, models.vae, fps=24.0, **SIZE)
    assert_close(make(forced, canvas=canvas).latent.data, latent, "text")


# From an image the reference breaks off where the last window is shorter: there all are as long.
@pytest.mark.parametrize(
    ("image", "frames", "lengths"),
    [(None, 21, [4, 3]), (picture(1), 25, [4, 4])],
    ids=["from text, the last shorter", "from an image"],
)
def test_a_long_clip_in_windows_is_the_reference_pipelines(
    forced: Path, image: Clip | None, frames: int, lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, bench, size = components(forced), Bench(), {**SIZE, "frames": frames}
    canvas = long_canvas(models, image, size)
    rows, high, wide = canvas.grids[0]
    planned = windows(rows, WINDOW, OVERLAP, "shorter")
    assert [one.stop - one.start for one in planned] == lengths
    generator = torch.Generator().manual_seed(7)
    dim = canvas.tokens.shape[1]
    drawn = [torch.randn(one.stop - one.start, high * wide, dim, generator=generator) for one in planned]
    noise = iter([unpatchify(one.flatten(0, 1)[None], (len(one), high, wide), canvas.patch) for one in drawn])
    monkeypatch.setattr(DRAWS.format("_i2v" if image else ""), lambda *shape, **how: next(noise))
    parts = SkyReelsV2DiffusionForcingPipeline.from_pretrained(forced).components
    kind = SkyReelsV2DiffusionForcingImageToVideoPipeline if image else SkyReelsV2DiffusionForcingPipeline
    asked = {**TOLD, **sizes(size), **({"image": as_image(image)} if image else {})}
    latent = quiet(kind(**parts))(output_type="latent", base_num_frames=13, overlap_history=1, **asked).frames[0]

    text = encode_text(models.text_encoder, Text(PROMPT), ctx=bench)
    made = sample_windows(
        models.dit, canvas, text, ctx=bench, window=WINDOW, overlap=OVERLAP, seed=7, steps=4, guidance=5.0,
        sampler="unipc", shift=0, last="shorter",
    )  # fmt: skip
    assert_close(unpatchify(torch.as_tensor(made.tokens)[None], made.grids[0], made.patch)[0], latent, "long")


def long_canvas(models: Components, image: Clip | None, size: dict[str, int]) -> Patches:
    if image is None:
        return noise_patches(models.dit, models.vae, fps=24.0, **size)  # type: ignore[no-any-return]
    return canvas_from_frames(models.dit, models.vae, image, ctx=Bench(), frames=size["frames"], fps=24.0)  # type: ignore[no-any-return]


def test_a_text_that_tells_of_no_picture_is_refused_at_the_wire(tmp_path: Path) -> None:
    models = components(tiny_skyreels.write_image_to_video(tmp_path / "i2v"))
    canvas = canvas_from_frames_spec(models.dit, models.vae, ClipSpec(1, 32, 48, 24.0), "first frame", 9, 24.0)
    with pytest.raises(SpecError, match=r"tells of no picture; this DiT needs one picture.*Encode image"):
        sample_spec(models.dit, canvas, ConditioningSpec(32, "wan", images=0), 4)
