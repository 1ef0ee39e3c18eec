"""A folder of clips captioned by a model of one's own: on disk, or behind an endpoint that was named."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest
import tiny_language
from bench import Bench
from tiny_endpoint import ANSWER, serving
from typer.testing import CliRunner

import assets
from app.cli import app
from assets.files import Files
from nodes.families.language.instructions import SHORT_CAPTION
from nodes.families.language.nodes import caption_frames, load_describer
from nodes.families.language.recaption import LOOKS, TAKEN
from nodes.training.folder import read_frames

SAMPLES = Path(assets.__file__).parent / "samples"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("ball.mp4", "star.png"):
        copy(SAMPLES / name, folder)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose models folder has a describer and a writer."""
    home = tmp_path_factory.mktemp("home")
    tiny_language.write_describer(home / "models" / "describer")
    tiny_language.write_writer(home / "models" / "writer")
    return home


@pytest.fixture
def recaption(clips: Path, home: Path) -> Run:
    def run(*options: object) -> tuple[int, str]:
        asked = ["train", "recaption", str(clips), "--home", str(home), *map(str, options)]
        ended = CliRunner().invoke(app, asked)
        return ended.exit_code, ended.output

    return run


def test_a_model_on_disk_says_of_each_clip_what_its_node_says_and_a_second_run_finds_its_work(
    clips: Path, home: Path, recaption: Run
) -> None:
    code, said = recaption("--model", "describer")
    assert (code, said.splitlines()[-1]) == (0, "2 written")
    describer = load_describer(files=Files((), home, (home / "models",)), model="describer")
    for name in ("ball.mp4", "star.png"):
        clip = read_frames(clips / name, TAKEN)
        told = caption_frames(describer, clip, ctx=Bench(), looks=LOOKS).text
        assert (clips / name).with_suffix(".txt").read_text().strip() == told
    assert recaption("--model", "describer")[1].splitlines()[-1] == "2 there from before"


def test_a_model_may_be_named_by_its_folder_anywhere(home: Path, recaption: Run) -> None:
    assert recaption("--model", home / "models" / "describer")[0] == 0


def test_an_endpoint_writes_each_text_anew_after_another_model_but_none_that_a_person_changed(
    clips: Path, home: Path, recaption: Run
) -> None:
    recaption("--model", "describer")
    (clips / "ball.txt").write_text("my own words")
    with serving(home / "models") as asked:
        code, said = recaption("--endpoint", "local", "--model", "known", "--detail", "short")
        assert (code, said.splitlines()[-1]) == (0, "1 written, 1 left as you wrote them")
        recaption("--endpoint", "local", "--model", "known", "--detail", "short")
    assert (clips / "ball.txt").read_text() == "my own words"
    assert (clips / "star.txt").read_text().strip() == ANSWER.strip()
    [parts] = [message["content"] for told in asked for message in told["messages"]]
    assert parts[0]["text"] == SHORT_CAPTION
    assert [part["type"] for part in parts[1:]] == ["image_url"]


def failed(said: str) -> int:
    return said.count("gave no answer of 'unknown'")


def test_an_endpoint_that_fails_costs_a_sentence_a_clip_and_is_given_up_after_three(
    clips: Path, home: Path, recaption: Run
) -> None:
    with serving(home / "models") as asked:
        code, said = recaption("--endpoint", "local", "--model", "unknown")
        assert (code, failed(said), said.splitlines()[-1]) == (1, 2, "2 failed")
        for number in range(4):
            copy(SAMPLES / "star.png", clips / f"star {number}.png")
        asked.clear()
        code, said = recaption("--endpoint", "local", "--model", "unknown")
    assert (code, len(asked), failed(said)) == (1, 3, 3)
    assert "3 in a row; the rest is left" in said
    assert not list(clips.glob("*.txt"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "writer"], "needs a model that reads images and writes text"),
        (["--model", "nothing"], "there is no model 'nothing'"),
        (["--endpoint", "elsewhere", "--model", "known"], "there is no endpoint 'elsewhere'"),
        (["--endpoint", "local"], "No model is named"),
    ],
)
def test_what_cannot_caption_is_refused_in_a_sentence(recaption: Run, options: list[str], sentence: str) -> None:
    code, said = recaption(*options)
    assert code == 1
    assert sentence in said.replace("\n", " ")
    assert "Traceback" not in said


def test_a_model_without_a_chat_template_is_refused(clips: Path, home: Path, tmp_path: Path, recaption: Run) -> None:
    folder = tiny_language.write_describer(tmp_path / "plain")
    (folder / "chat_template.jinja").unlink()
    code, said = recaption("--model", folder)
    assert code == 1
    assert "plain has no chat template" in said
