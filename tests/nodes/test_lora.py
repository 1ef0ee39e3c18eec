"""LoRA: trained on a folder of clips, added to the weights of the DiT that it fits, refused for any other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import TinyModels

from assets.files import Files
from assets.media import probe, write_clip
from assets.values import Clip
from assets.weight_files import WeightsRefused
from nodes.api import SpecError
from nodes.dit import lora
from nodes.dit.batches import Mix
from nodes.dit.lora import Adapters
from nodes.dit.lora_file import LoRAConfig
from nodes.dit.own_clips import OwnClips
from nodes.dit.train_lora import LoRATraining, train
from nodes.models import load
from nodes.models.nodes import load_lora
from nodes.training.folder import FolderError, Taken
from nodes.training.loop import LoopConfig

LOOP = LoopConfig(steps=30, warm_up=2, cooldown=15, learning_rate=2e-2, ema=0.8, log_every=10, save_every=30)


def fill(folder: Path, clips: int = 8) -> Path:
    """Clips of a bright square, of two sizes, and one image, each with its text."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(clips):
        frames = np.zeros((5 if number else 1, 32, 48 if number % 2 else 32, 3), np.uint8)
        frames[:, 8:24, 8:24] = 255
        write_clip(Clip(frames, 8.0), folder / (f"{number}.mp4" if number else "0.png"))
        (folder / f"{number}.txt").write_text("a white square standing still on black\n")
    return folder


@pytest.fixture(scope="module")
def run(tiny: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that ended."""
    place = tmp_path_factory.mktemp("lora")
    config = LoRATraining(fill(place / "clips"), tiny.folder, rank=2, loop=LOOP, mix=Mix(rows=2, tokens=24))
    train(config, place / "run")
    return place / "run"


def lines(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "curves.jsonl").read_text().splitlines()]


def test_training_lowers_the_loss_on_clips_that_are_held_out(run: Path) -> None:
    before, *_, after = [line["validation"] for line in lines(run) if "validation" in line]
    assert after < before


def test_a_preview_is_made_before_the_first_step_and_at_every_checkpoint(run: Path) -> None:
    assert [path.name for path in sorted(run.glob("preview-*.mp4"))] == ["preview-00000.mp4", "preview-00030.mp4"]
    assert probe(run / "preview-00030.mp4").frames == 17


def test_a_training_that_was_ended_goes_on_and_encodes_nothing_twice(
    run: Path, tiny: TinyModels, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    latents = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "latents").iterdir()}
    loop = replace(LOOP, steps=32, save_every=2)
    train(
        LoRATraining(run.parent / "clips", tiny.folder, rank=2, loop=loop, mix=Mix(rows=2, tokens=24)), tmp_path / "run"
    )
    assert lines(tmp_path / "run")[-2]["step"] == 32
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "latents").iterdir()} == latents


def test_the_node_adds_it_to_the_weights_times_the_weight(run: Path, tiny: TinyModels) -> None:
    files = Files((run,), run)
    base = load(tiny.dit).blocks[0].mlp[0].weight
    whole, half, none = (
        load(load_lora(tiny.dit, files=files, file="lora.safetensors", weight=weight)).blocks[0].mlp[0].weight
        for weight in (1.0, 0.5, 0.0)
    )
    assert not torch.equal(whole, base)
    assert torch.allclose(half - base, (whole - base) / 2, atol=1e-7)
    assert torch.equal(none, base)


def test_several_in_a_row_add_up(run: Path, tiny: TinyModels) -> None:
    files = Files((run,), run)
    once = load_lora(tiny.dit, files=files, file="lora.safetensors", weight=0.75)
    twice = load_lora(once, files=files, file="lora.safetensors", weight=0.25)
    assert len(twice.loras) == 2
    whole = load_lora(tiny.dit, files=files, file="lora.safetensors", weight=1.0)
    for one, two in zip(load(twice).parameters(), load(whole).parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-6)


def test_added_to_the_weights_it_does_what_it_did_in_training(tiny: TinyModels, tmp_path: Path) -> None:
    torch.manual_seed(0)
    adapted, merged = load(tiny.dit), load(tiny.dit)
    adapters = Adapters(adapted, LoRAConfig(rank=2, alpha=3))
    for adapter in adapters.parameters():
        adapter.data = (adapter.data + 0.3 * torch.randn_like(adapter)).bfloat16().float()
    lora.save(adapters, tmp_path / "lora.safetensors", "tiny")
    lora.adapt(adapted, adapters)
    lora.merge(merged, tmp_path / "lora.safetensors", 1.0)
    torch.nn.init.normal_(adapted.leave.weight)
    merged.leave.load_state_dict(adapted.leave.state_dict())
    args = torch.randn(1, 6, 16), torch.randn(1, 6, 3), torch.rand(1, 6), torch.randn(1, 4, 12), torch.ones(1, 4).bool()
    with torch.no_grad():
        assert torch.allclose(adapted(*args), merged(*args), atol=1e-4)
        assert not torch.allclose(merged(*args), load(tiny.dit)(*args), atol=1e-2)


def test_a_lora_of_another_dit_is_refused_while_wiring(run: Path, tiny: TinyModels) -> None:
    other = replace(tiny.dit, digest="f" * 64)
    with pytest.raises(SpecError, match=r"this DiT is ffffffff\. Train the LoRA again"):
        load_lora(other, files=Files((run,), run), file="lora.safetensors")


def test_a_file_that_is_no_lora_is_refused_while_wiring(tiny: TinyModels) -> None:
    with pytest.raises(WeightsRefused, match=r"holds a model of kind 'dit'; it needs a LoRA"):
        load_lora(tiny.dit, files=Files((tiny.folder,), tiny.folder), file="dit.safetensors")


def test_a_lora_that_does_not_fit_the_layers_is_refused(run: Path, tiny: TinyModels, tmp_path: Path) -> None:
    wide = load(tiny.dit)
    wide.blocks[0].mlp[0] = torch.nn.Linear(24, 48)
    with pytest.raises(WeightsRefused, match=r"no adapter of 48 x 24 for the layer blocks.0.mlp.0"):
        lora.merge(wide, run / "lora.safetensors", 1.0)


def test_a_lora_that_changed_after_the_check_is_not_loaded(run: Path, tiny: TinyModels, tmp_path: Path) -> None:
    shutil.copy(run / "lora.safetensors", tmp_path / "mine.safetensors")
    dit = load_lora(tiny.dit, files=Files((tmp_path,), tmp_path), file="mine.safetensors")
    data = bytearray((tmp_path / "mine.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "mine.safetensors").write_bytes(data)
    with pytest.raises(WeightsRefused, match="changed"):
        load(dit)


def test_clips_without_a_text_are_named_before_anything_is_encoded(tiny: TinyModels, tmp_path: Path) -> None:
    folder = fill(tmp_path / "clips", 3)
    (folder / "1.txt").unlink()
    (folder / "2.txt").unlink()
    with pytest.raises(FolderError, match=r"2 of 3 clips have no text, 1.mp4 for one; needs 1.txt"):
        OwnClips(folder, Path(tiny.vae.path), tmp_path / "kept").encoded()
    assert not (tmp_path / "kept").exists()


def test_a_clip_that_cannot_be_read_is_left_out_and_said_once(
    tiny: TinyModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fill(tmp_path / "clips", 3)
    (folder / "1.mp4").write_bytes(b"no video")
    own = OwnClips(folder, Path(tiny.vae.path), tmp_path / "kept")
    assert sum(len(clips.latents) for clips in own.clips(0, 1)) == 2
    assert len(own.encoded()) == 2
    assert capsys.readouterr().out.count("left out: 1.mp4") == 1


def test_clips_come_at_their_own_sizes_and_one_in_eight_is_held_out(tiny: TinyModels, tmp_path: Path) -> None:
    own = OwnClips(fill(tmp_path / "clips", 9), Path(tiny.vae.path), tmp_path / "kept", Taken())
    shapes = {tuple(clips.latents.shape) for clips in own.clips(0, 1)}
    assert shapes == {(1, 4, 1, 4, 4), (3, 4, 2, 4, 6), (4, 4, 2, 4, 4)}
    assert own.judged(load(tiny.dit).config)[0].lengths == (12,)
