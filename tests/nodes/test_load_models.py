"""Handles from weight files: what fits is known without loading, and what is wrong is a sentence."""

import shutil
from pathlib import Path

import pytest
from tiny_models import TinyModels

from assets.weight_files import WeightsRefused
from nodes.models import load
from nodes.models.handles import by_weights
from nodes.models.nodes import load_captioner_spec, load_models_spec


@pytest.fixture
def folder(tiny: TinyModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny family, in the place of the shipped one."""
    made = tmp_path / "weights"
    shutil.copytree(tiny.folder, made)
    monkeypatch.setattr("assets.weight_files.BUILTIN", made)
    return made


def test_the_handles_say_what_fits_together(folder: Path) -> None:
    models = load_models_spec("patchloom")
    assert models.dit.space == models.vae.space == "tiny"
    assert models.dit.encoder == models.text_encoder.encoder
    assert models.dit.patch == (1, 2, 2)
    assert models.vae.stride == (4, 8, 8)


def test_other_weights_are_other_content_for_the_cache(folder: Path) -> None:
    before = by_weights(load_models_spec)(family="patchloom")
    weights = bytearray((folder / "dit.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "dit.safetensors").write_bytes(weights)
    assert by_weights(load_models_spec)(family="patchloom") != before


def test_text_to_video_needs_no_captioner(folder: Path) -> None:
    (folder / "captioner.safetensors").unlink()
    load_models_spec("patchloom")
    with pytest.raises(WeightsRefused, match=r"no weights file .*captioner.safetensors"):
        load_captioner_spec("patchloom")


def test_weights_that_were_cut_short_are_refused_while_wiring(folder: Path) -> None:
    path = folder / "video_vae.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsRefused, match=r"video_vae.safetensors .* cut short"):
        load_models_spec("patchloom")


def test_another_model_under_the_name_is_refused(folder: Path) -> None:
    shutil.copy(folder / "captioner.safetensors", folder / "dit.safetensors")
    with pytest.raises(WeightsRefused, match=r"'captioner'.*'dit'"):
        load_models_spec("patchloom")


def test_weights_that_changed_after_the_check_are_not_loaded(folder: Path) -> None:
    handle = load_models_spec("patchloom").dit
    weights = bytearray((folder / "dit.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "dit.safetensors").write_bytes(weights)
    with pytest.raises(WeightsRefused, match="changed"):
        load(handle)
