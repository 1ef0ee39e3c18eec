"""FramePack: our nodes make of its weights, section by section, what the reference pipeline makes of them."""

from pathlib import Path
from typing import Any

import pytest
import table
import tiny_framepack
import tiny_wan
import torch
from bench import Bench
from diffusers import HunyuanVideoFramepackPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from einops import rearrange
from parity import PROMPT, pixels
from PIL import Image

from assets.codec import encode
from assets.values import ClipSpec, ConditioningSpec, LatentSpec, Patches
from nodes.api import SpecError
from nodes.context import Cancelled
from nodes.dit.nodes import sample_spec
from nodes.families.framepack.nodes import (
    decode_sections,
    decode_sections_spec,
    sample_sections,
    sample_sections_spec,
)
from nodes.families.framepack.sections import rows_of
from nodes.families.frames import canvas_from_frames_spec
from nodes.families.registry import components
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import unpatchify as unpatchify_node

TEXT = ConditioningSpec(16, "hunyuan", images=1)
DRAWS = "diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_framepack.randn_tensor"


def reference(
    folder: Path, sections: int, monkeypatch: pytest.MonkeyPatch, output: str, seed: int = 7, **told: Any
) -> Any:
    """What the reference pipeline makes from the noise that our sampler draws."""
    # The reference draws the image's latent from what the VAE says; ours is the middle of it, the same each time.
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())
    generator = torch.Generator().manual_seed(seed)
    drawn = iter(
        [unpatchify(torch.randn(1, 54, 16, generator=generator), (9, 2, 3), (1, 2, 2)) for _ in range(sections)]
    )
    monkeypatch.setattr(DRAWS, lambda *shape, **how: next(drawn))
    pipeline = HunyuanVideoFramepackPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(
        image=Image.fromarray(tiny_framepack.picture().frames[0]), prompt=PROMPT, height=32, width=48,
        num_frames=33 * sections, num_inference_steps=2, output_type=output, **told,
    ).frames  # fmt: skip


def ours(folder: Path, sections: int, bench: Bench | None = None, negative: bool = False, **told: Any) -> Patches:
    asked = tiny_framepack.asked(folder, sections, PROMPT)
    if not negative:
        del asked["negative"]
    widgets = {"seed": 7, "steps": 2, "guidance": 6.0}
    made: Patches = sample_sections(**{**asked, **widgets, **told}, ctx=bench or Bench())
    return made


@pytest.mark.parametrize(
    ("order", "kind", "sections"),
    [("from the end", "inverted_anti_drifting", 2), ("from the end", "inverted_anti_drifting", 5),
     ("from the start", "vanilla", 2)],
)  # fmt: skip
def test_a_picture_is_animated_section_by_section_as_the_reference_pipeline_does_it(
    order: Any, kind: str, sections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_framepack.folder()
    latent = torch.as_tensor(unpatchify_node(ours(folder, sections, order=order)).data)
    theirs = reference(folder, sections, monkeypatch, "latent", sampling_type=kind, guidance_scale=6.0)[-1][0]
    assert float(theirs.std()) > 0.1
    table.agree("FramePack", "long", latent, theirs)


@pytest.mark.parametrize(
    ("order", "kind", "sections"),
    [("from the end", "inverted_anti_drifting", 1), ("from the end", "inverted_anti_drifting", 3),
     ("from the start", "vanilla", 1), ("from the start", "vanilla", 3)],
)  # fmt: skip
def test_sections_are_decoded_and_blended_as_the_reference_pipeline_does_it(
    order: Any, kind: str, sections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_framepack.folder()
    vae, latent = components(folder).vae, unpatchify_node(ours(folder, sections, order=order))
    clip = decode_sections(vae, latent, ctx=Bench(), order=order)
    frames = reference(folder, sections, monkeypatch, "pt", sampling_type=kind, guidance_scale=6.0)[0]
    assert decode_sections_spec(vae, latent.spec) == clip.spec
    assert len(frames) == 1 + 36 * sections
    torch.testing.assert_close(pixels(clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


def test_what_is_no_clip_of_sections_is_not_decoded_by_sections() -> None:
    vae = components(tiny_framepack.folder()).vae
    with pytest.raises(SpecError, match=r"latent of 12 frames; FramePack's have 1 \+ 9k. Decode others by"):
        decode_sections_spec(vae, LatentSpec(vae.channels, 12, 4, 6, vae.space, 24.0))


@pytest.mark.parametrize("task", ["image", "both", "loop"])
def test_from_a_first_frame_and_towards_a_last_one_the_reference_pipelines_clip_is_made(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seed = tiny_framepack.folder(), {"both": 2, "loop": 1}.get(task)
    last = tiny_framepack.picture(seed) if seed else None
    asked = tiny_framepack.asked(folder, 2, PROMPT, last)
    del asked["negative"]
    made = sample_sections(**asked, ctx=Bench(), seed=7, steps=2, guidance=6.0)
    told = {"last_image": Image.fromarray(last.frames[0])} if last else {}
    theirs = reference(folder, 2, monkeypatch, "latent", guidance_scale=6.0, **told)[-1][0]
    table.agree("FramePack", task, unpatchify_node(made).data, theirs)


@pytest.mark.parametrize("order", ["from the end", "from the start"])
def test_sections_that_stay_lead_on_to_the_same_clip_or_to_another(order: Any) -> None:
    folder = tiny_framepack.folder()
    whole = ours(folder, 3, order=order)
    again = ours(folder, 3, order=order, stay=1, patches=whole)
    assert encode(again) == encode(whole)
    other = ours(folder, 3, order=order, stay=2, patches=whole, guidance=3.0)
    for number, place in enumerate(rows_of(number, 3, order, 9) for number in range(3)):
        one, two = (
            rearrange(torch.as_tensor(each.tokens), "(t hw) d -> t hw d", t=28)[place] for each in (whole, other)
        )
        assert torch.equal(one, two) == (number < 2)
    broken_off = Bench(stop_at=5)
    with pytest.raises(Cancelled):
        ours(folder, 3, broken_off, order=order, stay=1, patches=whole, guidance=3.0)
    rest = Bench(kept_before=broken_off.steps_kept)
    gone_on = ours(folder, 3, rest, order=order, stay=1, patches=whole, guidance=3.0)
    assert encode(gone_on) == encode(ours(folder, 3, order=order, stay=1, patches=whole, guidance=3.0))
    assert len(rest.steps_kept) == 1
    table.note("FramePack", "branched", 0.0)


def test_sections_that_are_not_there_cannot_stay() -> None:
    with pytest.raises(ValueError, match="Got 1 sections that are to stay, on a canvas that has 0"):
        ours(tiny_framepack.folder(), 2, stay=1)


def test_steps_that_change_little_leave_most_blocks_out() -> None:
    folder = tiny_framepack.folder()
    plain, never, often = (ours(folder, 2, steps=5, lossy_skip=skip) for skip in (0.0, 1e-12, 1e9))
    assert encode(never) == encode(plain)
    assert encode(often) != encode(plain)


def test_with_a_negative_text_guidance_leads_away_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_framepack.folder()
    latent = torch.as_tensor(unpatchify_node(ours(folder, 1, negative=True)).data)
    told = {"negative_prompt": "a blue ball", "true_cfg_scale": 6.0, "guidance_scale": 1.0}
    torch.testing.assert_close(latent, reference(folder, 1, monkeypatch, "latent", **told)[-1][0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("negative", [False, True])
def test_guidance_follows_its_curve_over_the_steps(negative: bool) -> None:
    folder = tiny_framepack.folder()
    half, less, falling = (
        torch.as_tensor(ours(folder, 1, negative=negative, **told).tokens)
        for told in ({"guidance_over_steps": "0:0.5"}, {"guidance": 3.5}, {"guidance_over_steps": "0:0.5 1:0"})
    )
    assert torch.equal(half, less)
    assert not torch.equal(half, falling)


def test_a_schedule_that_goes_by_the_size_is_the_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_framepack.write(tmp_path / "framepack", dynamic=True)
    latent = torch.as_tensor(unpatchify_node(ours(folder, 1)).data)
    theirs = reference(folder, 1, monkeypatch, "latent", guidance_scale=6.0)[-1][0]
    torch.testing.assert_close(latent, theirs, atol=1e-5, rtol=0)


def test_an_interrupted_run_goes_on_with_the_sections_that_it_has() -> None:
    folder, broken_off = tiny_framepack.folder(), Bench(stop_at=3)
    whole = ours(folder, 2, guidance_over_steps="0:1 1:0")
    with pytest.raises(Cancelled):
        ours(folder, 2, broken_off, guidance_over_steps="0:1 1:0")
    assert len(broken_off.steps_kept) == 1
    rest = Bench(kept_before=broken_off.steps_kept)
    assert encode(ours(folder, 2, rest, guidance_over_steps="0:1 1:0")) == encode(whole)
    assert len(rest.steps_kept) == 1
    table.note("FramePack", "resumed", 0.0)


def test_what_does_not_fit_is_refused_at_the_wire() -> None:
    models, shown = components(tiny_framepack.folder()), ClipSpec(1, 32, 48, 24.0)
    canvas = canvas_from_frames_spec(models.dit, models.vae, shown, "first frame", 37, 24.0)
    assert sample_sections_spec(models.dit, canvas, TEXT) == canvas
    with pytest.raises(SpecError, match="in sections of 9 latent frames; use the node 'FramePack sampler'"):
        sample_spec(models.dit, canvas, TEXT, 4)
    longer = canvas_from_frames_spec(models.dit, models.vae, shown, "first frame", 41, 24.0)
    with pytest.raises(SpecError, match=r"canvas of 11 latent frames.*Try 37 or 73 frames"):
        sample_sections_spec(models.dit, longer, TEXT)
    both = canvas_from_frames_spec(models.dit, models.vae, shown, "first and last frame", 37, 24.0)
    with pytest.raises(SpecError, match="canvas with a last frame; from the start on"):
        sample_sections_spec(models.dit, both, TEXT, order="from the start")
    with pytest.raises(SpecError, match="Got 1 sections that stay of 1"):
        sample_sections_spec(models.dit, canvas, TEXT, stay=1)
    with pytest.raises(SpecError, match="tells of no picture; this DiT needs one picture"):
        sample_sections_spec(models.dit, canvas, ConditioningSpec(16, "hunyuan", images=0))
    with pytest.raises(SpecError, match="DiT of 'wan', which makes a clip all together"):
        sample_sections_spec(components(tiny_wan.folder()).dit, canvas, TEXT)
