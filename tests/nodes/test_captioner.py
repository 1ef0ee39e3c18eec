"""The captioner: any latent's size, the words of the grammar, and how it trains."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nodes.captioner.config import CaptionerConfig
from nodes.captioner.facts import facts_right
from nodes.captioner.model import Captioner, load
from nodes.captioner.train import CaptionerTraining, export, train
from nodes.training.loop import LoopConfig
from nodes.video_vae.config import VideoVAEConfig
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import load as load_vae
from nodes.video_vae.model import save as save_vae
from nodes.world.captions import read, words
from nodes.world.render import render
from nodes.world.scene import Scene, Thing

WEIGHTS = Path("assets/weights")
TINY = CaptionerConfig(look=8, width=24, readers=1, writers=1)
shipped = pytest.mark.skipif(not (WEIGHTS / "captioner.safetensors").exists(), reason="its weights are not made yet")
SCENES = [
    Scene((Thing("red", "circle", "large", "bounce"),), "meadow"),
    Scene((Thing("blue", "star", "large", "still"),), "white"),
    Scene((Thing("yellow", "heart", "medium", "right"),), "night"),
    Scene((Thing("green", "square", "large", "grow"),), "black"),
]


@pytest.mark.parametrize("size", [(5, 8, 8), (1, 8, 8), (9, 6, 10), (2, 1, 1), (3, 7, 5)])
def test_a_latent_of_any_size_is_captioned_in_words_of_the_grammar(size: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    text = Captioner(TINY).eval().caption(torch.randn(8, *size), "short")
    assert set(text.replace(".", " . ").split()) <= set(words())


def test_a_long_clip_is_read_from_its_first_frame_to_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    captioner, latent, seen = Captioner(TINY).eval(), torch.randn(8, 17, 8, 8), list[torch.Tensor]()
    read_all = captioner.read
    monkeypatch.setattr(captioner, "read", lambda latents: (seen.append(latents), read_all(latents))[1])
    captioner.caption(latent)
    assert torch.equal(seen[0][0], latent[:, ::4])


def test_a_caption_of_one_frame_says_no_motion() -> None:
    torch.manual_seed(0)
    captioner = Captioner(TINY).eval()
    assert {thing[2] for thing in read(captioner.caption(torch.randn(8, 1, 8, 8))).things} == {None}
    assert None not in {thing[2] for thing in read(captioner.caption(torch.randn(8, 5, 8, 8))).things}


def test_a_latent_with_other_channels_is_refused_with_what_to_try() -> None:
    with pytest.raises(ValueError, match=r"needs 8 channels.*Encode the clip"):
        Captioner(TINY).caption(torch.randn(4, 5, 8, 8))


def test_where_a_thing_is_changes_what_is_read() -> None:
    torch.manual_seed(0)
    captioner = Captioner(TINY).eval()
    latent = torch.zeros(1, 8, 1, 8, 8)
    latent[..., :2, :2] = 3
    with torch.no_grad():
        memories = [captioner.read(part).mean(dim=1) for part in (latent, latent.flip(-1))]
    assert not torch.allclose(*memories, atol=1e-3)


def test_training_resumes_and_exports_what_can_be_loaded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = VideoVAEConfig(
        encoder_widths=(8, 8), encoder_blocks=(1, 1), decoder_widths=(8, 8, 8), decoder_blocks=(1, 1, 1)
    )
    save_vae(VideoVAE(small), tmp_path / "vae.safetensors")
    loop = LoopConfig(steps=2, warm_up=1, cooldown=1, log_every=1, save_every=1)
    sizes = ((64, 64, 17, 6), (48, 80, 17, 6))
    config = CaptionerTraining(
        vae=tmp_path / "vae.safetensors", model=TINY, loop=loop, clips=sizes, batch=4, stills=0.5, held_out=4
    )
    train(config, tmp_path / "run")
    train(replace(config, loop=replace(loop, steps=3)), tmp_path / "run")
    steps = [line for line in (tmp_path / "run" / "curves.jsonl").read_text().splitlines() if '"loss"' in line]
    assert len(steps) == 3
    exported = export(config, tmp_path / "run", tmp_path / "captioner.safetensors").bfloat16().float()
    latents = torch.randn(2, 8, 5, 8, 8)
    with torch.no_grad():
        assert torch.allclose(exported.read(latents), load(tmp_path / "captioner.safetensors").read(latents), atol=1e-5)


def test_a_caption_that_tells_another_colour_counts_as_wrong() -> None:
    right = facts_right(["a blue ball bouncing on a meadow"], SCENES[:1])
    assert {name for name, share in right.items() if share == 0} == {"colour", "all"}


def test_stripes_a_move_of_the_camera_and_a_thing_in_front_are_facts_too() -> None:
    things = (Thing("red", "circle", "medium", "right", lane="behind", pattern="striped"), *SCENES[1].things)
    scene = Scene(things, "sea")
    text = "a striped red ball moving right behind a blue star on the sea"
    assert set(facts_right([text], [scene]).values()) == {1}
    for wrong, fact in (
        (text.replace("striped ", ""), "pattern"),
        (text.replace("behind", "in front of"), "passes"),
        (f"{text}, zooming in", "camera"),
    ):
        assert {name for name, share in facts_right([wrong], [scene]).items() if share == 0} == {fact, "all"}


@shipped
def test_the_shipped_captioner_tells_colour_and_background() -> None:
    captioner, vae = load(WEIGHTS / "captioner.safetensors"), load_vae(WEIGHTS / "video_vae.safetensors")
    with torch.no_grad():
        latents = vae.encode(render(SCENES, 64, 64, 17))
    right = facts_right([captioner.caption(latent, "short") for latent in latents], SCENES)
    assert right["colour"] == right["background"] == 1


@shipped
def test_the_shipped_captioner_writes_more_when_asked_to_be_descriptive() -> None:
    captioner, vae = load(WEIGHTS / "captioner.safetensors"), load_vae(WEIGHTS / "video_vae.safetensors")
    with torch.no_grad():
        latent = vae.encode(render(SCENES[:1], 64, 64, 17))[0]
    short, long = captioner.caption(latent, "short"), captioner.caption(latent)
    assert len(long) > len(short)
    assert read(long).background == "meadow"
