"""LTX-Video from 0.9.5 on: frames given anywhere make what LTXConditionPipeline makes of them."""

from pathlib import Path
from typing import Any

import pytest
import table
import tiny_ltx
import torch
from bench import Bench, loaded
from diffusers import LTXConditionPipeline
from diffusers.pipelines.ltx import pipeline_ltx_condition as reference_module
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition, linear_quadratic_schedule
from exact import require_exact
from ltx_frames import CLIP, IMAGE, OTHER, SIZE, empty, given, pictures
from parity import PROMPT, first_noise, make

from assets.values import Clip, Patches, Text
from nodes.api import SpecError
from nodes.dit.nodes import sample_spec
from nodes.dit.windows import sample_windows
from nodes.families.frames import canvas_from_frames, canvas_from_frames_spec
from nodes.families.registry import components
from nodes.patches.arrangement import Place
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import arrange_patches, arrange_patches_spec, noise_patches_spec
from nodes.text_encoder.nodes import encode_text, encode_text_spec

# diffusers' scheduler hands numpy a tensor in a way that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
SHORT = Clip(CLIP.frames[:9], 25.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_ltx.write(tmp_path_factory.mktemp("models") / "ltx-0.9.5", keyed=True, finishes=True)


@pytest.fixture
def reference(folder: Path, monkeypatch: pytest.MonkeyPatch) -> LTXConditionPipeline:
    """The reference, without what it draws of its own: it encodes to the mean, and starts from our sampler's noise."""

    def drawn(shape: torch.Size, **_: object) -> torch.Tensor:
        frames = 1 + 8 * (shape[2] - 1)
        return first_noise(components(folder), size={**SIZE, "frames": frames}).reshape(shape)

    def mean(encoder_output: object, generator: object = None) -> torch.Tensor:
        return encoder_output.latent_dist.mode()

    monkeypatch.setattr(reference_module, "randn_tensor", drawn)
    monkeypatch.setattr(reference_module, "retrieve_latents", mean)
    pipeline = LTXConditionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def condition(clip: Clip, frame: int) -> LTXVideoCondition:
    if len(clip.frames) == 1:
        return LTXVideoCondition(image=pictures(clip)[0], frame_index=frame)
    return LTXVideoCondition(video=pictures(clip), frame_index=frame)


def agree(
    task: str,
    folder: Path,
    reference: LTXConditionPipeline,
    canvas: Patches,
    told: list[LTXVideoCondition],
    frames: int = 17,
) -> None:
    latent = reference(
        conditions=told or None, prompt=PROMPT, num_inference_steps=4, guidance_scale=3.0, num_frames=frames,
        height=64, width=96, frame_rate=25, image_cond_noise_scale=0.0, output_type="latent",
    ).frames  # fmt: skip
    made = make(folder, canvas=canvas, guidance=3.0, sampler="euler")
    assert float(latent.std()) > 0.1
    table.agree("LTX-Video 0.9.5", task, made.latent.data, latent[0])


def test_text_to_video_is_the_reference_pipelines(folder: Path, reference: LTXConditionPipeline) -> None:
    agree("text", folder, reference, empty(folder), [])


@pytest.mark.parametrize(
    ("task", "place", "frames"),
    [("image", "first frame", [0]), ("last", "last frame", [16]), ("loop", "first and last frame", [0, 16])],
)
def test_an_image_given_is_the_reference_pipelines(
    folder: Path, reference: LTXConditionPipeline, task: str, place: Place, frames: list[int]
) -> None:
    canvas = arrange_patches(empty(folder), given(folder, IMAGE), place=place)
    agree(task, folder, reference, canvas, [condition(IMAGE, frame) for frame in frames])


def test_from_one_image_to_another_the_reference_pipelines_clip_is_made(
    folder: Path, reference: LTXConditionPipeline
) -> None:
    canvas = arrange_patches(empty(folder), given(folder, IMAGE), given(folder, OTHER), place="first and last frame")
    agree("both", folder, reference, canvas, [condition(IMAGE, 0), condition(OTHER, 16)])


def test_a_clip_extended_is_the_reference_pipelines(folder: Path, reference: LTXConditionPipeline) -> None:
    canvas = arrange_patches(empty(folder), given(folder, SHORT), place="start")
    agree("on", folder, reference, canvas, [condition(SHORT, 0)])


@pytest.mark.parametrize("clip", [CLIP, SHORT], ids=["three latent frames", "two"])
def test_a_clip_extended_backwards_is_the_reference_pipelines(
    folder: Path, reference: LTXConditionPipeline, clip: Clip
) -> None:
    canvas = from_frames(folder, clip, place="end", frames=33)
    agree("back", folder, reference, canvas, [condition(clip, 33 - len(clip.frames))], frames=33)


def test_the_last_frame_of_a_clip_is_given_as_an_image_is(folder: Path) -> None:
    last = Clip(CLIP.frames[-1:], 25.0)
    for place in ("last frame", "first and last frame"):
        one, other = (from_frames(folder, IMAGE if place != "last frame" else end, end, place=place, frames=33)
                      for end in (CLIP, last))  # fmt: skip
        assert torch.equal(torch.as_tensor(one.tokens), torch.as_tensor(other.tokens))


def test_two_clips_connected_are_the_reference_pipelines(folder: Path, reference: LTXConditionPipeline) -> None:
    canvas = from_frames(folder, SHORT, CLIP, place="both ends", frames=49)
    agree("connect", folder, reference, canvas, [condition(SHORT, 0), condition(CLIP, 32)], frames=49)


def test_clips_that_leave_no_place_for_what_leads_them_are_refused(folder: Path) -> None:
    models = components(folder)
    with pytest.raises(SpecError, match="The two ends meet: 2 and 3 latent frames on a canvas of 4"):
        canvas_from_frames_spec(models.dit, models.vae, SHORT.spec, "both ends", 25, 25.0, CLIP.spec)


def test_a_clip_beside_the_canvas_is_refused_where_windows_would_not_see_it(folder: Path) -> None:
    models, canvas = components(folder), from_frames(folder, CLIP, place="end", frames=49)
    text = encode_text(models.text_encoder, Text(PROMPT), ctx=Bench())
    with pytest.raises(ValueError, match=r"shown beside it.*Use the node 'Sampler'"):
        sample_windows(models.dit, canvas, text, ctx=Bench(), window=4, overlap=1, steps=1, shift=0)


def from_frames(folder: Path, *clips: Clip, **told: Any) -> Patches:
    models = components(folder)
    made: Patches = canvas_from_frames(models.dit, models.vae, *clips, ctx=Bench(), fps=25.0, **told)
    assert (
        made.spec.grids
        == canvas_from_frames_spec(
            models.dit, models.vae, clips[0].spec, told["place"], told["frames"], 25.0, clips[-1].spec
        ).grids
    )
    return made


def test_a_clip_that_leads_to_an_image_is_the_reference_pipelines(
    folder: Path, reference: LTXConditionPipeline
) -> None:
    canvas = arrange_patches(empty(folder, 33), given(folder, SHORT), given(folder, OTHER), place="both ends")
    agree("connect", folder, reference, canvas, [condition(SHORT, 0), condition(OTHER, 32)], frames=33)


def test_rows_of_a_clip_given_at_the_end_stay_as_they_are(folder: Path) -> None:
    clip = given(folder, CLIP)
    canvas = arrange_patches(empty(folder, 33), clip, place="end")
    made = torch.as_tensor(make(folder, canvas=canvas, guidance=1.0, sampler="euler").latent.data)
    kept = unpatchify(torch.as_tensor(clip.tokens)[None], clip.grids[0], clip.patch)[0]
    assert torch.equal(made[:, 3:], kept[:, 1:])
    assert float(made[:, :3].std()) > 0.1


@pytest.mark.parametrize("steps", [1, 2, 7, 50])
def test_the_levels_are_the_reference_schedules(folder: Path, steps: int) -> None:
    levels = loaded(components(folder).dit).levels(steps, 0, [(3, 2, 3)])
    torch.testing.assert_close(levels[:-1].float(), linear_quadratic_schedule(steps), atol=1e-6, rtol=0)
    assert levels[-1] == 0


def test_a_run_with_frames_given_at_both_ends_is_resumed_and_branched_from_exactly(folder: Path) -> None:
    canvas = arrange_patches(empty(folder), given(folder, IMAGE), place="first and last frame")
    require_exact(folder, canvas, "dpm++2m")
    require_exact(folder, from_frames(folder, SHORT, CLIP, place="both ends", frames=49), "euler")


def test_what_does_not_go_together_is_refused_at_the_wire(folder: Path, tmp_path: Path) -> None:
    old = components(tiny_ltx.write(tmp_path / "ltx"))
    new = components(folder)
    size = {"width": 96, "height": 64, "frames": 17, "fps": 25}
    text, other = (encode_text_spec(models.text_encoder, Text(PROMPT).spec) for models in (new, old))
    canvas, older = (noise_patches_spec(models.dit, models.vae, **size) for models in (new, old))
    with pytest.raises(SpecError, match=r"'ltx-8'.*'ltx-8-0\.9\.5'"):
        noise_patches_spec(new.dit, old.vae, **size)
    with pytest.raises(SpecError, match=r"text encoded by 'ltx-128'.*'ltx-256'"):
        sample_spec(new.dit, canvas, other, 4)
    sample_spec(new.dit, arrange_patches_spec(canvas, canvas, "last frame", 0, 0), text, 4)
    sample_spec(old.dit, arrange_patches_spec(older, older, "first frame", 0, 0), other, 4)
    with pytest.raises(SpecError, match="goes on from the first frame alone"):
        sample_spec(old.dit, arrange_patches_spec(older, older, "last frame", 0, 0), other, 4)
