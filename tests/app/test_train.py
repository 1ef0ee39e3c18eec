"""`patchloom train` on folders of one's own: what is said, and where it is left."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest
import torch
from typer.testing import CliRunner

import assets
from app.cli import app
from nodes.captioner.config import CaptionerConfig
from nodes.captioner.model import Captioner
from nodes.captioner.model import save as save_captioner
from nodes.video_vae.config import VideoVAEConfig
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
