"""`patchloom train` on folders of one's own: what is said, and where it is left."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest
import torch
from typer.testing import CliRunner

import assets
from app.cli import app
from assets.weight_files import weights_digest
from nodes.captioner.config import CaptionerConfig
from nodes.captioner.model import Captioner
from nodes.captioner.model import save as save_captioner
from nodes.dit.config import DiTConfig
from nodes.dit.lora_file import read_config
from nodes.dit.model import DiT
from nodes.dit.model import save as save_dit
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.model import TextEncoder
from nodes.text_encoder.model import save as save_text_encoder
from nodes.video_vae.config import LATENT_SPACE, VideoVAEConfig
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import save as save_vae

SAMPLES = Path(assets.__file__).parent / "samples"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A family as small as models come."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_captioner(Captioner(CaptionerConfig(look=8, width=24, readers=1, writers=1)), folder / "captioner.safetensors")
    save_vae(VideoVAE(VideoVAEConfig(8, (8, 8), (1, 1), (8, 8, 8), (1, 1, 1))), folder / "video_vae.safetensors")
    dit = DiT(DiTConfig(width=24, depth=1, heads=2, axes=(4, 4, 4), text_width=12))
    save_dit(dit, folder / "dit.safetensors", LATENT_SPACE)
    text_encoder = TextEncoder(TextEncoderConfig(width=12, depth=1, heads=2))
    save_text_encoder(text_encoder, folder / "text_encoder.safetensors", LATENT_SPACE)
    return folder


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("ball.mp4", "star.png"):
        copy(SAMPLES / name, folder)
        (folder / name).with_suffix(".txt").write_text("a zorgly red ball")
    return folder


@pytest.fixture
def train(weights: Path) -> Callable[..., tuple[int, str]]:
    def run(*arguments: object) -> tuple[int, str]:
        ended = CliRunner().invoke(app, ["train", *map(str, arguments), "--weights", str(weights)])
        return ended.exit_code, ended.output

    return run


def test_a_folder_is_captioned_and_what_cannot_be_read_is_said(
    tmp_path: Path, train: Callable[..., tuple[int, str]]
) -> None:
    copy(SAMPLES / "ball.mp4", tmp_path)
    copy(SAMPLES / "star.png", tmp_path)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    code, said = train("recaption", tmp_path)
    assert code == 1
    assert "broken.mp4 cannot be read" in said
    assert "2 written, 1 failed" in said
    assert (tmp_path / "ball.txt").read_text().strip() in said
    (tmp_path / "broken.mp4").unlink()
    (tmp_path / "ball.txt").write_text("my own words")
    code, said = train("recaption", tmp_path)
    assert (code, said.splitlines()[-1]) == (0, "1 there from before, 1 left as you wrote them")


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path, train: Callable[..., tuple[int, str]]) -> None:
    code, said = train("recaption", tmp_path / "nowhere")
    assert code == 1
    assert "no folder" in said
    assert "Traceback" not in said


def test_a_lora_is_trained_on_a_folder_and_fits_the_dit(
    weights: Path, clips: Path, tmp_path: Path, train: Callable[..., tuple[int, str]]
) -> None:
    out = tmp_path / "run"
    code, said = train("lora", clips, "--out", out, "--steps", 2, "--preview-every", 1, "--rank", 3)
    assert code == 0, said
    assert "2 clips to train on" in said
    assert "does not know, and leaves out: zorgly" in said
    assert sorted(path.stem for path in out.glob("*.mp4")) == ["preview-00000", "preview-00001", "preview-00002"]
    config = read_config(out / "lora.safetensors")
    assert (config.rank, config.base) == (3, weights_digest(weights / "dit.safetensors"))


def test_the_dit_goes_on_from_the_weights_on_a_folder_and_leaves_them_as_they_are(
    weights: Path, clips: Path, tmp_path: Path, train: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out, before = tmp_path / "runs" / "dit-clips", weights_digest(weights / "dit.safetensors")
    code, said = train("dit", "--data", clips, "--steps", 1, "--processes", 1)
    assert code == 0, said
    assert weights_digest(weights / "dit.safetensors") == before != weights_digest(out / "dit.safetensors")
    same = "text_encoder.safetensors"
    assert weights_digest(out / same) == weights_digest(weights / same)


@pytest.mark.parametrize("command", [("lora",), ("dit", "--data")])
def test_clips_without_texts_are_one_sentence(
    command: tuple[str, ...], clips: Path, tmp_path: Path, train: Callable[..., tuple[int, str]]
) -> None:
    (clips / "star.txt").unlink()
    code, said = train(*command, clips, "--out", tmp_path / "run")
    assert code == 1
    assert "There is no text for star.png" in said
    assert "Traceback" not in said
