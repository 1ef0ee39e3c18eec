"""Recaptioning a folder: a text a clip, nothing that a person wrote is lost, and a second run finds its work done."""

from pathlib import Path

import numpy as np
import pytest
from tiny_models import TinyModels

from assets.media import write_clip
from assets.values import Clip
from nodes.captioner.recaption import NOTES, BuiltIn, Outcome, recaption
from nodes.training.folder import FolderError, Taken, clip_files, read_frames, size_taken, text_of
from nodes.writer.words import Detail


def write(path: Path, frames: int = 5, height: int = 32, width: int = 48) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = np.linspace(0, 255, width, dtype=np.uint8)
    write_clip(Clip(np.broadcast_to(shade[:, None], (frames, height, width, 3)).copy(), 8.0), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "clips" / "one.mp4")
    write(tmp_path / "clips" / "day" / "two.png", frames=1)
    return tmp_path / "clips"


def built_in(tiny: TinyModels, detail: Detail = "descriptive") -> BuiltIn:
    return BuiltIn(Path(tiny.captioner.path), Path(tiny.vae.path), detail)


def captioned(
    folder: Path, tiny: TinyModels, detail: Detail = "descriptive", overwrite: bool = False
) -> dict[str, Outcome]:
    outcomes = recaption(clip_files(folder), built_in(tiny, detail), overwrite)
    return {outcome.file.name: outcome for outcome in outcomes}


def test_each_clip_and_image_gets_a_text_beside_it_and_a_second_run_writes_none(folder: Path, tiny: TinyModels) -> None:
    first = captioned(folder, tiny)
    assert {name: outcome.did for name, outcome in first.items()} == {"one.mp4": "written", "two.png": "written"}
    assert text_of(folder / "one.mp4") == first["one.mp4"].said
    assert text_of(folder / "day" / "two.png") == first["two.png"].said
    assert {outcome.did for outcome in captioned(folder, tiny).values()} == {"there"}


def test_a_text_that_a_person_changed_is_left_alone_until_asked(folder: Path, tiny: TinyModels) -> None:
    captioned(folder, tiny)
    (folder / "one.txt").write_text("my own words")
    again = captioned(folder, tiny, detail="short")
    assert (again["one.mp4"].did, again["two.png"].did) == ("kept", "written")
    assert (folder / "one.txt").read_text() == "my own words"
    assert captioned(folder, tiny, overwrite=True)["one.mp4"].did == "written"
    assert text_of(folder / "one.mp4") != "my own words"


def test_a_run_that_was_ended_goes_on_where_it_was(folder: Path, tiny: TinyModels) -> None:
    next(recaption(clip_files(folder), built_in(tiny)))  # the first file alone
    notes = folder / "day" / NOTES
    notes.write_bytes(notes.read_bytes() + b'{"file": "tw')  # a line that was being written
    assert sorted(outcome.did for outcome in captioned(folder, tiny).values()) == ["there", "written"]
    assert {outcome.did for outcome in captioned(folder, tiny).values()} == {"there"}


def test_a_clip_that_changed_is_described_anew(folder: Path, tiny: TinyModels) -> None:
    captioned(folder, tiny)
    write(folder / "one.mp4", frames=9)
    assert captioned(folder, tiny)["one.mp4"].did == "written"


def test_a_file_that_cannot_be_read_costs_a_sentence_and_the_others_go_on(folder: Path, tiny: TinyModels) -> None:
    (folder / "broken.mp4").write_bytes(b"no video")
    made = captioned(folder, tiny)
    assert made["broken.mp4"].did == "failed"
    assert "broken.mp4" in made["broken.mp4"].said
    assert not (folder / "broken.txt").exists()
    assert {made[name].did for name in ("one.mp4", "two.png")} == {"written"}


def test_two_files_with_one_text_are_refused(folder: Path) -> None:
    write(folder / "one.png", frames=1)
    with pytest.raises(FolderError, match=r"one.mp4 and one.png.*Rename"):
        clip_files(folder)


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="holds no video"):
        clip_files(tmp_path)
    with pytest.raises(FolderError, match="no folder"):
        clip_files(tmp_path / "nowhere")


def test_a_clip_without_a_text_says_how_to_get_one(folder: Path) -> None:
    with pytest.raises(FolderError, match=r"one.txt.*train recaption"):
        text_of(folder / "one.mp4")


@pytest.mark.parametrize(
    ("size", "taken"),
    [((64, 64), (64, 64)), ((100, 90), (96, 80)), ((1080, 1920), (64, 128)), ((8, 300), (16, 288))],
)
def test_frames_are_brought_to_sides_that_patches_fill(size: tuple[int, int], taken: tuple[int, int]) -> None:
    assert size_taken(*size, Taken()) == taken


def test_frames_that_are_small_enough_are_cut_and_never_distorted(tmp_path: Path) -> None:
    clip = read_frames(write(tmp_path / "a.png", frames=1, height=33, width=52), Taken())
    assert clip.frames.shape == (1, 32, 48, 3)
    step = np.diff(clip.frames[0, 0, :, 0].astype(int))
    assert set(step) == {5}  # each column as it was


def test_frames_are_taken_at_about_eight_a_second(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    frames = np.arange(50, dtype=np.uint8)[:, None, None, None] * 4 + np.zeros((50, 32, 32, 3), np.uint8)
    write_clip(Clip(frames, 25.0), path, quality=100)
    clip = read_frames(path, Taken(frames=33))
    assert len(clip.frames) == 17
    assert clip.fps == pytest.approx(25 / 3)
    assert clip.frames[1].mean() == pytest.approx(12, abs=3)
