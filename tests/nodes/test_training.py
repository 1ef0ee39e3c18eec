"""Training: optimisers, schedule, checkpoints, and each model's own loss."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from nodes.dit.batches import Batch, Clips, Mix, draw_batch, draw_layout
from nodes.dit.config import DiTConfig
from nodes.dit.train import DiTTraining, Pair, noise_loss
from nodes.dit.train import train as train_dit
from nodes.text_encoder.config import TextEncoderConfig
from nodes.training.loop import LoopConfig, fit
from nodes.training.muon import orthogonalise
from nodes.training.schedule import Schedule
from nodes.video_vae.config import VideoVAEConfig
from nodes.video_vae.model import load as load_vae
from nodes.video_vae.train import VideoVAETraining
from nodes.video_vae.train import train as train_vae

TINY_VAE = VideoVAEConfig(8, (8, 8), (1, 1), (8, 8, 8), (1, 1, 1))
TINY_DIT = DiTConfig(width=24, depth=1, heads=2, axes=(4, 4, 4), text_width=24)
TINY_TEXT = TextEncoderConfig(width=24, depth=1, heads=2)


def problem() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2)), nn.Linear(48, 2).requires_grad_(False)


def fit_problem(out: Path, steps: int, *, stop: int | None = None, resume: bool = True) -> nn.Module:
    model, teacher = problem()

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        if step == stop:
            raise KeyboardInterrupt
        x = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(step))
        return (model(x) - teacher(x.flatten(1))).square().mean(), {}

    config = LoopConfig(steps, warm_up=2, cooldown=4, learning_rate=1e-2, log_every=5, save_every=5)
    fit(model, loss, config, out, resume=resume)
    return model


def test_a_training_that_was_killed_ends_exactly_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = fit_problem(tmp_path / "whole", 20)
    with pytest.raises(KeyboardInterrupt):
        fit_problem(tmp_path / "killed", 20, stop=13)
    resumed = fit_problem(tmp_path / "killed", 20)
    for one, two in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, two)


def test_without_resume_a_training_starts_again(tmp_path: Path) -> None:
    once = fit_problem(tmp_path, 6)
    again = fit_problem(tmp_path, 6, resume=False)
    assert torch.equal(next(once.parameters()), next(again.parameters()))


def test_training_lowers_the_loss_and_logs_its_curve(tmp_path: Path) -> None:
    fit_problem(tmp_path, 60)
    lines = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(5, 61, 5))
    assert lines[-1]["loss"] < 0.5 * lines[0]["loss"]


def test_a_request_in_the_runs_folder_ends_the_training_early_by_a_cooldown(tmp_path: Path) -> None:
    (tmp_path / "cooldown").write_text("7")
    fit_problem(tmp_path, 1000)
    last = json.loads((tmp_path / "curves.jsonl").read_text().splitlines()[-1])
    assert last["step"] == last["of"] == 7


def test_a_training_that_was_killed_in_its_cooldown_ends_where_that_ends(tmp_path: Path) -> None:
    (tmp_path / "cooldown").write_text("15")
    with pytest.raises(KeyboardInterrupt):
        fit_problem(tmp_path, 1000, stop=12)
    fit_problem(tmp_path, 1000)
    last = json.loads((tmp_path / "curves.jsonl").read_text().splitlines()[-1])
    assert last["step"] == last["of"] == 15


def test_the_learning_rate_warms_up_holds_and_falls_by_steps_alone() -> None:
    schedule = Schedule(steps=100, warm_up=10, cooldown=20)
    assert schedule.factor(0) == 0.1
    assert schedule.factor(50) == 1
    assert schedule.factor(90) == 0.5
    early = schedule.fall_now(40, 10)
    assert early.steps == 50
    assert early.factor(45) == 0.5
    assert schedule.fall_now(90, 4).factor(90) == 0.5  # already falling: on from there, only steeper


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 4, 16), (1, 16, 4)])
def test_muons_updates_are_nearly_orthogonal_for_matrices_of_any_form(shape: tuple[int, ...]) -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(0))).float())
    assert values.min() > 0.3
    assert values.max() < 1.4


@pytest.mark.parametrize("objective", ["flow", "ddpm-epsilon", "ddpm-x0"])
def test_given_tokens_carry_no_loss_and_no_noise(objective: str) -> None:
    config = DiTTraining(model=DiTConfig(**{**vars(TINY_DIT), "objective": objective}), text=TINY_TEXT)
    torch.manual_seed(0)
    pair = Pair(config)
    for weight in pair.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    batch = drawn([clips_of(2, 4, 4)], Mix(rows=2, images=0, given=0), config.model)
    batch.made[:, :4], batch.t[:, :4] = False, 0
    value = float(noise_loss(pair, batch).detach())
    batch.eps[:, :4] += 100
    assert float(noise_loss(pair, batch).detach()) == pytest.approx(value)
    batch.eps[:, 4:] += 100
    assert float(noise_loss(pair, batch).detach()) != pytest.approx(value)


@pytest.mark.filterwarnings("default")
def test_the_family_trains_from_nothing_to_weights_files(tmp_path: Path) -> None:
    loop = LoopConfig(steps=2, warm_up=1, cooldown=1, log_every=1, save_every=2)
    train_vae(VideoVAETraining(TINY_VAE, loop, batches=((16, 16, 5, 2),), processes=1), tmp_path / "vae")
    config = DiTTraining(
        vae=tmp_path / "vae" / "video_vae.safetensors",
        model=TINY_DIT,
        text=TINY_TEXT,
        loop=loop,
        clips=((16, 16, 17, 8), (16, 32, 33, 8)),
        mix=Mix(rows=2, tokens=40),
        processes=1,
    )
    train_dit(config, tmp_path / "dit")
    on = replace(config, init=tmp_path / "dit", image_steps=0)
    train_dit(on, tmp_path / "on")
    assert (tmp_path / "on" / "dit.safetensors").read_bytes() != (tmp_path / "dit" / "dit.safetensors").read_bytes()
    assert {"dit.safetensors", "text_encoder.safetensors", "checkpoint.safetensors"} <= {
        path.name for path in (tmp_path / "dit").iterdir()
    }


@pytest.mark.filterwarnings("default")
def test_latents_stay_good_where_the_decoder_alone_is_trained(tmp_path: Path) -> None:
    loop = LoopConfig(steps=2, warm_up=1, cooldown=1, log_every=1, save_every=2)
    config = VideoVAETraining(TINY_VAE, loop, batches=((16, 16, 5, 2),), processes=1)
    train_vae(config, tmp_path / "first")
    path = tmp_path / "first" / "video_vae.safetensors"
    train_vae(replace(config, init=path, decoder_only=True, seed=1), tmp_path / "then")
    before, after = load_vae(path), load_vae(tmp_path / "then" / "video_vae.safetensors")
    clip = torch.rand(1, 3, 5, 16, 16) * 2 - 1
    latent = before.encode(clip)
    assert torch.equal(after.encode(clip), latent)
    assert not torch.equal(after.decode(latent), before.decode(latent))


def clips_of(rows: int, height: int, width: int, count: int = 4) -> Clips:
    """Random latents of `rows` latent frames."""
    latents = torch.randn(count, 8, rows, height, width, generator=torch.Generator().manual_seed(rows + height))
    return Clips(latents, lambda index, rng, long, still: f"a red ball {'grows' if still else 'moves right'}")


def drawn(clips: list[Clips], mix: Mix, config: DiTConfig = TINY_DIT, seed: int = 0) -> Batch:
    return draw_batch(random.Random(seed), random.Random(seed), clips, mix, config)


def test_rows_are_filled_with_clips_of_several_sizes_up_to_their_room() -> None:
    clips = [clips_of(5, 8, 8), clips_of(5, 6, 10), clips_of(9, 8, 8), clips_of(5, 16, 16)]
    seen = set()
    for seed in range(40):
        slots = draw_layout(random.Random(seed), clips, Mix(images=0.2), TINY_DIT.patch)
        assert slots
        assert sum(slot.kept for slot in slots) <= 330
        seen |= {slot.grid for slot in slots}
    assert {(5, 4, 4), (5, 3, 5), (9, 4, 4), (5, 8, 8), (1, 4, 4)} <= seen
    assert any(
        slot.start > 0 for seed in range(40) for slot in draw_layout(random.Random(seed), clips, Mix(), (1, 2, 2))
    )


def test_a_window_of_a_long_clip_keeps_its_place_in_time() -> None:
    clips = clips_of(17, 2, 2)
    batch = next(
        batch
        for seed in range(50)
        if (batch := drawn([clips], Mix(rows=1, windows=1, images=0), seed=seed)).coords[0, 0, 0] > 0
    )
    start = int(batch.coords[0, 0, 0])
    token = batch.clean[0, 0]
    assert any(torch.equal(token, latent[:, start].reshape(-1)) for latent in clips.latents)


def test_the_loss_of_a_packed_row_is_that_of_its_clips_alone() -> None:
    config = DiTTraining(model=TINY_DIT, text=TINY_TEXT)
    torch.manual_seed(0)
    pair = Pair(config).eval()
    for weight in pair.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    batch = drawn([clips_of(2, 4, 4), clips_of(3, 2, 4)], Mix(rows=2, tokens=30, images=0, null_text=0))
    assert len(batch.lengths) > 1
    alone, tokens, start = 0.0, 0, 0
    for clip, length in enumerate(batch.lengths):
        cut = slice(start, start + length)
        parts = (x[:, cut] for x in (batch.clean, batch.coords, batch.t, batch.eps, batch.made))
        one = Batch(*parts, (length,), [[row[clip]] for row in batch.texts])
        alone += float(noise_loss(pair, one).detach()) * int(one.made.sum())
        tokens, start = tokens + int(one.made.sum()), start + length
    assert float(noise_loss(pair, batch).detach()) == pytest.approx(alone / tokens, rel=2e-2)  # bfloat16


def test_dropping_similar_tokens_keeps_what_changes() -> None:
    still = torch.ones(4, 8, 5, 4, 4)
    still[:, :, :, :2, :2] = torch.arange(5.0).view(1, 1, 5, 1, 1)
    clips = Clips(still, lambda index, rng, long, still: "")
    batch = drawn([clips], Mix(rows=4, tokens=20, images=0, drop="similar", keep=0.4))
    assert batch.lengths[0] == 8
    for coords in batch.coords:
        places = {tuple(place) for place in coords[:8].tolist()}
        assert {(t, -0.5, -0.5) for t in range(1, 5)} <= places
    assert drawn([clips], Mix(rows=4, tokens=20, images=0)).lengths == (20,)
