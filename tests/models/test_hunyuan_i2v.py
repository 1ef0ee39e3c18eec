"""HunyuanVideo from an image: our nodes make of its weights what the reference pipeline makes of them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_hunyuan_i2v
import tiny_wan
import torch
from bench import Bench, loaded
from diffusers import HunyuanVideoImageToVideoPipeline
from parity import PROMPT, SIZE, first_noise, pixels
from PIL import Image
from safetensors.torch import load_file, save_file
from table import agree
from tiny_hunyuan_i2v import Told

from assets.codec import encode
from assets.values import Clip, ClipSpec, Conditioning, Patches, Text
from nodes.api import SpecError
from nodes.context import Cancelled
from nodes.dit.nodes import Sampled, branch, sample, sample_spec
from nodes.families.frames import canvas_from_frames, canvas_from_frames_spec
from nodes.families.images import encode_text_with_image, encode_text_with_image_spec
from nodes.families.registry import Components, components
from nodes.patches.nodes import noise_patches_spec
from nodes.patches.nodes import unpatchify as unpatchify_node
from nodes.text_encoder.nodes import encode_text, encode_text_spec
from nodes.video_vae.nodes import decode_latent

NEGATIVE = "two small blue balls"
BOTH: list[Told] = ["latent_concat", "token_replace"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made: dict[tuple[Told, bool], Path] = {}

    def of(told: Told, guidance: bool = True) -> Path:
        if (told, guidance) not in made:
            path = tmp_path_factory.mktemp("models") / "hunyuan"
            made[told, guidance] = tiny_hunyuan_i2v.write(path, told, guidance=guidance)
        return made[told, guidance]

    return of


def picture(seed: int = 1) -> Clip:
    rng = np.random.default_rng(seed)
    return Clip(rng.integers(0, 256, (1, SIZE["height"], SIZE["width"], 3), dtype=np.uint8), 24.0)


def asked(models: Components) -> tuple[Patches, Conditioning]:
    """A canvas that begins with the picture, and what it and the text say."""
    bench = Bench()
    canvas = canvas_from_frames(models.dit, models.vae, picture(), ctx=bench, frames=SIZE["frames"])
    return canvas, encode_text_with_image(models.text_encoder, Text(PROMPT), picture(), ctx=bench)


def require_equal(folder: Path, negative: str | None = None, **told: Any) -> None:
    """Ours, at guidance 6, and by the reference pipeline from the noise that our sampler draws."""
    models, bench = components(folder), Bench()
    canvas, text = asked(models)
    away = encode_text(models.text_encoder, Text(negative), ctx=bench) if negative else None
    made = sample(
        models.dit, canvas, text, away, ctx=bench, steps=4, guidance=6.0, sampler="euler", shift=0
    ).patches  # fmt: skip
    latent = unpatchify_node(made)
    clip = decode_latent(models.vae, latent, ctx=bench)

    pipeline = HunyuanVideoImageToVideoPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    lead = models.vae.lead
    told |= {
        "image": Image.fromarray(picture().frames[0]), "prompt": PROMPT, "num_inference_steps": 4,
        "num_frames": SIZE["frames"] + 4 * lead, "height": SIZE["height"], "width": SIZE["width"],
        "latents": first_noise(models),
    }  # fmt: skip
    theirs = pipeline(output_type="latent", **told).frames[0]
    assert float(theirs.std()) > 0.1
    agree(f"HunyuanVideo I2V {'concat' if lead else 'replace'}", "image", latent.data[:, lead:], theirs)
    frames = pipeline(output_type="pt", **told).frames[0]
    assert len(clip.frames) == SIZE["frames"]
    torch.testing.assert_close(pixels(clip), frames, atol=0.5 / 255 + 1e-5, rtol=0)


@pytest.mark.parametrize("told", BOTH)
def test_an_image_is_animated_as_the_reference_pipeline_does_it(folder: Any, told: Told) -> None:
    require_equal(folder(told), guidance_scale=6.0)


@pytest.mark.parametrize("told", BOTH)
def test_guidance_leads_away_from_a_negative_text_with_a_black_picture(folder: Any, told: Told) -> None:
    require_equal(folder(told), NEGATIVE, negative_prompt=NEGATIVE, guidance_scale=1.0, true_cfg_scale=6.0)


def test_where_guidance_was_never_learned_it_leads_away_from_no_text(folder: Any) -> None:
    require_equal(folder("latent_concat", False), negative_prompt="", true_cfg_scale=6.0)


def test_a_text_that_is_too_long_loses_its_end(folder: Any) -> None:
    path = folder("token_replace")
    long = " ".join(["a red ball bounces"] * 100)
    pipeline = HunyuanVideoImageToVideoPipeline.from_pretrained(path)
    rows, mask = pipeline._get_llama_prompt_embeds(
        Image.fromarray(picture().frames[0]), long,
        prompt_template=tiny_hunyuan_i2v.DEFAULT_PROMPT_TEMPLATE, image_embed_interleave=4,
    )  # fmt: skip
    read = loaded(components(path).text_encoder).read(long, picture().frames[0])
    torch.testing.assert_close(torch.as_tensor(read.embeds), rows[0, : int(mask.sum())], atol=1e-5, rtol=0)


def test_the_picture_and_the_text_are_read_and_the_instruction_is_not(folder: Any) -> None:
    read = loaded(components(folder("token_replace")).text_encoder).read(PROMPT, picture().frames[0])
    assert read.words.count("<image>") == 576 / 4
    assert " ".join(read.words[576 // 4 :]).strip() == PROMPT
    other = loaded(components(folder("token_replace")).text_encoder).read(PROMPT, picture(2).frames[0])
    assert not torch.allclose(torch.as_tensor(read.embeds[-2]), torch.as_tensor(other.embeds[-2]), atol=1e-4)


@pytest.mark.parametrize("told", BOTH)
def test_a_run_is_resumed_and_branched_from_exactly(folder: Any, told: Told) -> None:
    models = components(folder(told))
    canvas, text = asked(models)

    def run(bench: Bench) -> Sampled:
        return sample(models.dit, canvas, text, ctx=bench, steps=4, guidance=6.0, sampler="unipc", shift=0)  # type: ignore[no-any-return]

    whole, broken_off = run(Bench()), Bench(stop_at=2)
    with pytest.raises(Cancelled):
        run(broken_off)
    assert encode(run(Bench(kept_before=broken_off.steps_kept)).trajectory) == encode(whole.trajectory)
    branched = branch(models.dit, whole.trajectory, text, ctx=Bench(), step=2, guidance=6.0)
    assert encode(branched.patches) == encode(whole.patches)


def test_what_does_not_fit_is_refused_at_the_wire(folder: Any) -> None:
    models, shown = components(folder("token_replace")), ClipSpec(1, 32, 48, 24.0)
    canvas = canvas_from_frames_spec(models.dit, models.vae, shown, "first frame", 9, 24.0)
    seen = encode_text_with_image_spec(models.text_encoder, Text(PROMPT).spec, shown)
    assert sample_spec(models.dit, canvas, seen, 4).patches == canvas
    unseen = encode_text_spec(models.text_encoder, Text(PROMPT).spec)
    with pytest.raises(SpecError, match=r"tells of no picture; this DiT needs one picture.*'Encode text with image'"):
        sample_spec(models.dit, canvas, unseen, 4)
    empty = noise_patches_spec(models.dit, models.vae, 48, 32, 9, 24.0)
    with pytest.raises(SpecError, match="nothing is given; this DiT goes on from the first frame"):
        sample_spec(models.dit, empty, seen, 4)
    with pytest.raises(SpecError, match="goes on from the first frame alone"):
        canvas_from_frames_spec(models.dit, models.vae, shown, "last frame", 9, 24.0)
    led = components(folder("latent_concat"))
    with pytest.raises(SpecError, match="encoded by 'hunyuan-llava-4'; this DiT was trained with 'hunyuan-llava-2'"):
        sample_spec(led.dit, canvas_from_frames_spec(led.dit, led.vae, shown, "first frame", 9, 24.0), seen, 4)
    with pytest.raises(SpecError, match="'hunyuan-4'; this DiT needs 'hunyuan-4-led'"):
        noise_patches_spec(led.dit, models.vae, 48, 32, 9, 24.0)


def test_a_text_encoder_that_reads_no_pictures_is_refused_at_the_wire() -> None:
    text_encoder = components(tiny_wan.folder()).text_encoder
    with pytest.raises(SpecError, match="text encoder of 'wan', which reads no pictures"):
        encode_text_with_image_spec(text_encoder, Text(PROMPT).spec, ClipSpec(1, 32, 48, 24.0))


def test_a_text_encoder_may_leave_out_the_head_that_is_not_used(folder: Any, tmp_path: Path) -> None:
    path = Path(shutil.copytree(folder("token_replace"), tmp_path / "hunyuan"))
    weights = next((path / "text_encoder").glob("*.safetensors"))
    state = load_file(weights)
    heads = [name for name in state if "lm_head" in name]
    assert heads
    save_file({name: one for name, one in state.items() if name not in heads}, weights, {"format": "pt"})
    read = loaded(components(path).text_encoder).read(PROMPT, picture().frames[0])
    known = loaded(components(folder("token_replace")).text_encoder).read(PROMPT, picture().frames[0])
    assert torch.equal(torch.as_tensor(read.embeds), torch.as_tensor(known.embeds))
