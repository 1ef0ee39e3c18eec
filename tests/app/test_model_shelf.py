"""Models on disk: found, named, and brought from a hub only when asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_hub import FakeHub, serving
from safetensors.numpy import save

from app.hub import HubFile, HubRefused, Offer
from app.hub import download as fetch
from app.model_shelf import ModelShelf
from assets.files import FileRefused, Files
from nodes.families.shelf import shelve

WEIGHTS = save({"weight": np.zeros((64, 64), np.float32)})
REPOSITORY = {"model_index.json": b'{"_class_name": "WanPipeline"}', "transformer/model.safetensors": WEIGHTS,
              "pickle.bin": b"\x80\x04 anything", "README.md": b"---\nlicense: apache-2.0\n---\n"}  # fmt: skip


def model_folder(path: Path, pipeline: str = "WanPipeline", card: str = "") -> Path:
    (path / "transformer").mkdir(parents=True)
    (path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    (path / "transformer" / "model.safetensors").write_bytes(WEIGHTS)
    if card:
        (path / "README.md").write_text(card)
    return path


def test_models_are_found_in_the_layouts_of_diffusers_of_the_hubs_cache_and_of_other_tools(tmp_path: Path) -> None:
    model_folder(tmp_path / "mine", card="---\nlicense: openrail\n---\n")
    model_folder(tmp_path / "models--Wan-AI--Tiny" / "snapshots" / "abc", "WanImageToVideoPipeline")
    (tmp_path / "diffusion_models").mkdir()
    (tmp_path / "diffusion_models" / "wan.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "diffusion_models" / "old.ckpt").write_bytes(b"\x80\x04")
    found = {one.name: one for one in shelve((tmp_path,))}
    assert found.keys() == {"mine", "Wan-AI/Tiny", "diffusion_models/wan.safetensors"}
    mine = found["mine"]
    assert (mine.family, mine.does, mine.licence, mine.bytes) == ("Wan", ("text to video",), "openrail", len(WEIGHTS))
    assert found["Wan-AI/Tiny"].does == ("image to video",)


def test_a_model_behind_a_link_of_the_persons_own_is_listed_and_found(tmp_path: Path) -> None:
    model_folder(tmp_path / "disk" / "mine")
    (tmp_path / "disk" / "dit.safetensors").write_bytes(WEIGHTS)
    models = tmp_path / "models"
    models.mkdir()
    (models / "there").symlink_to(tmp_path / "disk", target_is_directory=True)
    (models / "one.safetensors").symlink_to(tmp_path / "disk" / "dit.safetensors")
    (models / "up").symlink_to(models, target_is_directory=True)
    files = Files((tmp_path / "inputs",), tmp_path, (models,))
    found = [one.name for one in shelve((models,))]
    assert found == ["one.safetensors", "there/dit.safetensors", "there/mine"]
    for name in found:
        assert files.find_model(name).exists()
    for name in ("../disk/mine", "there/../../disk/mine", str(tmp_path / "disk")):
        with pytest.raises(FileRefused, match="no model"):
            files.find_model(name)


def test_a_folder_that_cannot_be_used_says_why_and_the_others_are_listed(tmp_path: Path) -> None:
    model_folder(tmp_path / "unknown", "SomeOtherPipeline")
    (model_folder(tmp_path / "damaged") / "model_index.json").write_text("[1")
    model_folder(tmp_path / "whole")
    problems = {one.name: one.problem for one in shelve((tmp_path, tmp_path / "missing"))}
    assert "SomeOtherPipeline" in problems["unknown"]
    assert "get the model again" in problems["damaged"]
    assert problems["whole"] == ""


def test_a_model_goes_by_its_repositorys_name_wherever_the_hubs_cache_lies(tmp_path: Path) -> None:
    kept = tmp_path / "models--Wan-AI--Tiny"
    path = model_folder(kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    files = Files((), tmp_path, (tmp_path,))
    assert files.find_model("Wan-AI/Tiny") == path.resolve()
    with pytest.raises(FileRefused, match="no model 'Wan-AI/Other'"):
        files.find_model("Wan-AI/Other")
    with pytest.raises(FileRefused, match="no model"):
        files.find_model("../..")


def test_folders_of_other_tools_are_looked_into_until_they_are_dropped(tmp_path: Path) -> None:
    home, other = tmp_path / "models", tmp_path / "elsewhere"
    home.mkdir()
    model_folder(other / "mine")
    files = Files((), tmp_path, (home,))
    shelf = ModelShelf(files)
    shelf.add(other)
    assert files.find_model("mine") == (other / "mine").resolve()
    with pytest.raises(HubRefused, match="no folder"):
        shelf.add(tmp_path / "nothing")
    shelf.drop(str(other))
    assert files.model_folders() == (home,)
    assert (other / "mine").is_dir()


def download(hub: FakeHub, home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`patchloom models download owner/model`, by a process of its own that knows no other hub."""
    with serving(hub) as address:
        env = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-c", "from app.cli import main; main()", "models", "download", "owner/model"]
        return subprocess.run([*command, "--home", str(home), *more], env=env, capture_output=True, text=True)


def test_a_download_says_size_and_licence_first_and_nothing_comes_without_a_yes(tmp_path: Path) -> None:
    hub = FakeHub(REPOSITORY)
    said = download(hub, tmp_path)
    assert "licence: apache-2.0" in said.stdout
    assert said.returncode == 1
    assert [asked for asked in hub.asked if not asked.startswith("GET /api/models/owner/model")] == []
    assert not (tmp_path / "models" / "owner").exists()


def test_a_download_brings_weights_and_settings_and_leaves_pickles_there(tmp_path: Path) -> None:
    hub = FakeHub(REPOSITORY)
    said = download(hub, tmp_path, "--yes")
    assert said.returncode == 0, said.stderr
    folder = tmp_path / "models" / "owner" / "model"
    assert (folder / "transformer" / "model.safetensors").read_bytes() == WEIGHTS
    assert not (folder / "pickle.bin").exists()
    assert [one.family for one in shelve((tmp_path / "models",))] == ["Wan"]

    again = FakeHub(REPOSITORY)
    assert download(again, tmp_path, "--yes").returncode == 0
    assert not [asked for asked in again.asked if asked.startswith("GET") and "safetensors" in asked]


def test_a_hub_that_is_not_there_costs_a_sentence(tmp_path: Path) -> None:
    env = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:1", "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", "from app.cli import main; main()", "models", "download", "owner/model"]
    said = subprocess.run([*command, "--home", str(tmp_path)], env=env, capture_output=True, text=True)
    assert said.returncode == 1
    assert "the hub could not be reached" in " ".join(said.stderr.split())
    assert "Traceback" not in said.stderr


def test_a_folder_that_is_not_looked_into_cannot_be_dropped(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from app.cli import main; main()", "models", "drop", "/elsewhere"]
    said = subprocess.run([*command, "--home", str(tmp_path)], capture_output=True, text=True)
    assert said.returncode == 1
    assert "/elsewhere is not looked into" in " ".join(said.stderr.split())


@pytest.mark.parametrize("name", ["../stray.safetensors", "/stray.safetensors", "a/../../stray.safetensors"])
def test_a_repository_whose_files_lead_out_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    said = download(FakeHub({**REPOSITORY, name: WEIGHTS}), tmp_path, "--yes")
    assert said.returncode == 1
    assert "leads out of its folder" in " ".join(said.stderr.split())
    assert not list(tmp_path.rglob("*.safetensors"))


def test_only_what_is_missing_needs_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def room(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=len(WEIGHTS))

    offer = Offer("owner/model", "main", "", tuple(HubFile(f"{n}.safetensors", len(WEIGHTS), "") for n in (1, 2)))
    monkeypatch.setattr("app.hub.shutil.disk_usage", room)
    with pytest.raises(HubRefused, match="make room"):
        fetch(offer, tmp_path, print)

    def fetched(offer: Offer, file: HubFile, folder: Path) -> Path:
        return folder / file.name

    monkeypatch.setattr("app.hub._fetched", fetched)
    (tmp_path / "owner" / "model").mkdir(parents=True)
    (tmp_path / "owner" / "model" / "1.safetensors").write_bytes(WEIGHTS)
    fetch(offer, tmp_path, lambda there: None)


def test_a_link_to_nowhere_hides_no_other_model(tmp_path: Path) -> None:
    model_folder(tmp_path / "mine")
    (tmp_path / "mine" / "gone.safetensors").symlink_to(tmp_path / "nothing.safetensors")
    (tmp_path / "alone.safetensors").symlink_to(tmp_path / "nothing.safetensors")
    assert [(one.name, one.bytes) for one in shelve((tmp_path,))] == [("mine", len(WEIGHTS))]


def test_of_two_models_of_one_name_the_one_that_runs_is_listed(tmp_path: Path) -> None:
    model_folder(tmp_path / "first" / "mine", "WanImageToVideoPipeline")
    model_folder(tmp_path / "second" / "mine")
    (found,) = shelve((tmp_path / "first", tmp_path / "second"))
    assert found.does == ("image to video",)
    assert Files((), tmp_path, (tmp_path / "first", tmp_path / "second")).find_model("mine").parent.name == "first"


def test_weights_that_are_not_what_the_hub_says_are_not_kept(tmp_path: Path) -> None:
    said = download(FakeHub(REPOSITORY, {"transformer/model.safetensors": "ab" * 32}), tmp_path, "--yes")
    assert said.returncode == 1
    assert "sha256 differs" in " ".join(said.stderr.split())
    assert not (tmp_path / "models" / "owner" / "model" / "transformer" / "model.safetensors").exists()
