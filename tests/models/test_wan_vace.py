"""Wan VACE: our nodes make of masks, clips and pictures what the reference pipeline makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_wan
import torch
from bench import Bench
from diffusers import WanVACEPipeline
from einops import rearrange
from exact import require_exact
from parity import PROMPT, SIZE, Made, first_noise, make, pixels
from PIL import Image
from table import agree
from variants import PLACES

from assets.values import Clip, ClipSpec, ConditioningSpec, Mask, MaskSpec, Patches, PatchesSpec
from nodes.api import SpecError
from nodes.dit.nodes import sample_spec
from nodes.dit.windows import sample_windows_spec
from nodes.families.canvas import add_reference, add_reference_spec, canvas_by_mask, canvas_by_mask_spec
from nodes.families.frames import canvas_from_frames
from nodes.families.grey import FramesPlace
from nodes.families.registry import Components, components
from nodes.patches.nodes import arrange_patches_spec, noise_patches_spec, unpatchify_spec

FRAMES, HIGH, WIDE = SIZE["frames"], SIZE["height"], SIZE["width"]
TEXT = ConditioningSpec(32, "wan", images=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_wan.write_vace(tmp_path_factory.mktemp("models") / "vace")


@pytest.fixture(scope="module")
def models(folder: Path) -> Components:
    return components(folder)


def clip(seed: int, frames: int = FRAMES, high: int = HIGH, wide: int = WIDE) -> Clip:
    rng = np.random.default_rng(seed)
    return Clip(rng.integers(0, 256, (frames, high, wide, 3), dtype=np.uint8), 16.0)


def spots(seed: int) -> torch.Tensor:
    """A mask (t h w) that changes from pixel to pixel and from frame to frame."""
    return (torch.rand(FRAMES, HIGH, WIDE, generator=torch.Generator().manual_seed(seed)) > 0.6).float()


def reference(
    folder: Path, video: torch.Tensor | None = None, mask: torch.Tensor | None = None,
    pictures: tuple[Clip, ...] = (), **asked: Any,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Latent (c t h w), of the pictures too, and pixels (t c h w) by the reference pipeline, from our sampler's noise.

    video (t h w 3) in [-1, 1], mask (t h w).
    """
    pipeline = WanVACEPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    frames = FRAMES + 4 * len(pictures)
    noise = first_noise(components(folder), size={**SIZE, "frames": frames})
    told: dict[str, Any] = {"num_inference_steps": 4, "guidance_scale": 5.0, **asked}
    if video is not None:
        told["video"] = rearrange(video, "t h w c -> 1 t c h w") / 2 + 0.5
        told["mask"] = None if mask is None else mask[None, :, None].expand(-1, -1, 3, -1, -1)
    if pictures:
        told["reference_images"] = [Image.fromarray(one.frames[0]) for one in pictures]
    sizes = {"num_frames": FRAMES, "height": HIGH, "width": WIDE}
    latent = pipeline(prompt=PROMPT, latents=noise, output_type="latent", **told, **sizes).frames[0]
    return latent, pipeline(prompt=PROMPT, latents=noise, output_type="pt", **told, **sizes).frames[0]


def floats(clip: Clip) -> torch.Tensor:
    return torch.as_tensor(clip.frames).float() / 127.5 - 1


def require_equal(
    made: Made, latent: torch.Tensor, frames: torch.Tensor, pictures: int = 0, task: str = "text"
) -> None:
    assert float(latent.std()) > 0.1
    agree("Wan VACE", task, made.latent.data, latent[:, pictures:])
    torch.testing.assert_close(pixels(made.clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


def by_mask(models: Components, *given: Any, **widgets: Any) -> Patches:
    sizes = {"frames": FRAMES, "height": HIGH, "width": WIDE}
    made: Patches = canvas_by_mask(models.dit, models.vae, *given, ctx=Bench(), **sizes, **widgets)
    return made


def test_text_to_video_is_the_reference_pipelines(folder: Path, models: Components) -> None:
    require_equal(make(folder, canvas=by_mask(models)), *reference(folder))


@pytest.mark.parametrize("task", PLACES)
def test_frames_that_are_given_go_where_the_reference_pipeline_has_them(
    folder: Path, models: Components, task: str
) -> None:
    place: FramesPlace = PLACES[task]
    first, last = clip(1, 5 if place in ("start", "both ends") else 1), clip(1 if task == "loop" else 2, 1)
    video, mask = torch.zeros(FRAMES, HIGH, WIDE, 3), torch.ones(FRAMES, HIGH, WIDE)
    match place:
        case "first frame":
            spans = [(0, first)]
        case "last frame":
            spans = [(FRAMES - 1, last)]
        case "start":
            spans = [(0, first)]
        case "end":
            spans = [(FRAMES - 5, clip(2, 5))]
        case _:
            spans = [(0, first), (FRAMES - 1, last)]
    for start, there in spans:
        video[start : start + len(there.frames)], mask[start : start + len(there.frames)] = floats(there), 0
    given = (spans[0][1], spans[1][1] if len(spans) == 2 and task != "loop" else None)
    canvas = canvas_from_frames(models.dit, models.vae, *given, ctx=Bench(), place=place, frames=FRAMES)
    require_equal(make(folder, canvas=canvas), *reference(folder, video, mask), task=task)


def test_what_lies_under_a_mask_is_made_anew_as_the_reference_pipeline_makes_it(
    folder: Path, models: Components
) -> None:
    there, mask = clip(3), spots(3)
    canvas = by_mask(models, there, Mask(mask))
    require_equal(make(folder, canvas=canvas), *reference(folder, floats(there) * (1 - mask)[..., None], mask))
    guided = by_mask(models, there, Mask(mask), under="the clip")
    require_equal(make(folder, canvas=guided), *reference(folder, floats(there), mask))


def test_a_mask_of_one_frame_stands_for_all(models: Components) -> None:
    still = spots(4)[:1]
    one, all_ = (by_mask(models, clip(3), Mask(mask)) for mask in (still, still.expand(FRAMES, -1, -1)))
    assert torch.equal(torch.as_tensor(one.beside["mask"]), torch.as_tensor(all_.beside["mask"]))
    assert torch.equal(torch.as_tensor(one.noise), torch.as_tensor(all_.noise))


@pytest.mark.parametrize("scale", [1.0, 0.35])
def test_a_clip_is_a_guide_as_strong_as_asked(folder: Path, models: Components, scale: float) -> None:
    canvas = by_mask(models, clip(3), scale=scale)
    require_equal(make(folder, canvas=canvas), *reference(folder, floats(clip(3)), conditioning_scale=scale))


def test_reference_pictures_go_before_the_clip_and_are_left_out_of_it(folder: Path, models: Components) -> None:
    there, mask, pictures = clip(3), spots(5), (clip(6, 1, 24, 64), clip(7, 1, 48, 16))
    canvas = by_mask(models, there, Mask(mask), under="the clip")
    for picture in pictures:
        canvas = add_reference(canvas, models.vae, picture, ctx=Bench())
    known = reference(folder, floats(there), mask, pictures)
    require_equal(make(folder, canvas=canvas), *known, pictures=2)


def test_a_clip_of_pictures_is_as_good_as_one_after_the_other(models: Components) -> None:
    both = clip(8, 2)
    canvas, apart = by_mask(models), by_mask(models)
    together = add_reference(canvas, models.vae, both, ctx=Bench())
    for frame in both.frames:
        apart = add_reference(apart, models.vae, Clip(frame[None], 16.0), ctx=Bench())
    assert together.lead == apart.lead == 2
    assert torch.equal(torch.as_tensor(together.tokens), torch.as_tensor(apart.tokens))


def test_two_experts_share_the_way(tmp_path: Path) -> None:
    folder = tiny_wan.write_vace(tmp_path / "vace", experts=2, boundary=0.875)
    canvas = by_mask(components(folder), clip(3), Mask(spots(3)), under="the clip")
    require_equal(make(folder, canvas=canvas), *reference(folder, floats(clip(3)), spots(3)))


def test_a_run_is_resumed_and_branched_from_exactly(folder: Path, models: Components) -> None:
    canvas = add_reference(by_mask(models, clip(3), Mask(spots(3))), models.vae, clip(6, 1), ctx=Bench())
    require_exact(folder, canvas, "unipc")


def test_a_canvas_that_its_dit_is_not_told_by_is_refused_at_the_wire(models: Components) -> None:
    plain = noise_patches_spec(models.dit, models.vae, WIDE, HIGH, FRAMES, 16.0)
    with pytest.raises(SpecError, match=r"canvas without a mask; this DiT is told by one.*'Canvas by mask'"):
        sample_spec(models.dit, plain, TEXT, 4)
    masked = canvas_by_mask_spec(models.dit, models.vae, "nothing", 1, WIDE, HIGH, FRAMES, 16.0)
    assert sample_spec(models.dit, masked, TEXT, 4).patches.told == "by itself"
    other = components(tiny_wan.folder())
    with pytest.raises(SpecError, match="mask that another DiT is told by"):
        sample_spec(other.dit, masked, TEXT, 4)
    with pytest.raises(SpecError, match="canvas without a mask"):
        sample_spec(models.dit, arrange_patches_spec(masked, plain, "first frame", 0, 0), TEXT, 4)
    with pytest.raises(SpecError, match="3 latent frames in windows of 2"):
        sample_windows_spec(models.dit, masked, TEXT, 4, 2, 1)


def test_a_mask_without_a_clip_or_of_another_size_is_refused(models: Components) -> None:
    size, shown = (WIDE, HIGH, FRAMES, 16.0), ClipSpec(FRAMES, HIGH, WIDE, 16.0)
    with pytest.raises(SpecError, match="mask without a clip"):
        canvas_by_mask_spec(models.dit, models.vae, "nothing", 1, *size, mask=MaskSpec(FRAMES, HIGH, WIDE))
    with pytest.raises(SpecError, match="mask of 24x16 over a clip of 48x32"):
        canvas_by_mask_spec(models.dit, models.vae, "nothing", 1, *size, shown, MaskSpec(FRAMES, 16, 24))


def test_a_dit_that_is_told_by_no_mask_needs_one_to_keep_something_and_takes_no_pictures() -> None:
    other, shown = components(tiny_wan.folder()), ClipSpec(FRAMES, HIGH, WIDE, 16.0)

    def canvas(clip: ClipSpec | None = None, mask: MaskSpec | None = None) -> PatchesSpec:
        return canvas_by_mask_spec(other.dit, other.vae, "nothing", 1, WIDE, HIGH, FRAMES, 16.0, clip, mask)

    with pytest.raises(SpecError, match="clip without a mask"):
        canvas(shown)
    with pytest.raises(SpecError, match="makes whole clips only"):
        canvas(shown, MaskSpec(FRAMES, HIGH, WIDE))
    with pytest.raises(SpecError, match=r"only DiTs that are told by one go by pictures \(Wan VACE\)"):
        add_reference_spec(canvas(), other.vae, ClipSpec(1, HIGH, WIDE, 16.0))


def test_the_pictures_rows_are_no_part_of_the_latent(models: Components) -> None:
    canvas = canvas_by_mask_spec(models.dit, models.vae, "nothing", 1, WIDE, HIGH, FRAMES, 16.0)
    shown = add_reference_spec(canvas, models.vae, ClipSpec(2, HIGH, WIDE, 16.0))
    assert shown.grids == ((5, 2, 3),)
    assert unpatchify_spec(sample_spec(models.dit, shown, TEXT, 4).patches).frames == 3
    with pytest.raises(SpecError, match="begins with 2 reference pictures"):
        arrange_patches_spec(shown, shown, "first frame", 0, 0)
