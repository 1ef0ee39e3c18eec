"""What the models panel and the pickers are told of single files: family, what each holds, in what numbers."""

from pathlib import Path

import numpy as np
import pytest
import tiny_files
import tiny_language
import tiny_wan
import torch
from safetensors.numpy import save
from tiny_family_files import weights

import assets
from nodes.api import ModelName
from nodes.families.shelf import Shelved, shelve
from nodes.registry import library


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shelved]:
    """A folder as ComfyUI has it."""
    root = tmp_path_factory.mktemp("models")
    folder = tiny_files.write_folder(root / "wan")
    dit = tiny_files.original_transformer(weights(folder))
    tiny_files.write(root / "diffusion_models/wan.safetensors", {name: one.bfloat16() for name, one in dit.items()})
    tiny_files.write_gguf(root / "wan-Q8_0.gguf", dit, "Q8_0")
    tiny_files.write(root / "vae/wan_vae.safetensors", tiny_files.original_vae(weights(folder, "vae")))
    tiny_files.write(root / "umt5.safetensors", tiny_files.text_state(folder))
    tiny_files.write_clip(root / "clip_vision_h.safetensors", tiny_files.vision())
    layer = "diffusion_model.blocks.0.self_attn.q"
    pair = {f"{layer}.lora_A.weight": torch.zeros(4, 128).half(), f"{layer}.lora_B.weight": torch.zeros(128, 4).half()}
    tiny_files.write(root / "loras/style.safetensors", pair | {f"{layer}.alpha": torch.tensor(1.0)})
    (root / "pickle.safetensors").write_bytes(b"\x80\x04 anything at all")
    (root / "other.safetensors").write_bytes(save({"weight": np.zeros((4, 4), np.float32)}))
    return {one.name: one for one in shelve((root,))}


@pytest.mark.parametrize(
    ("name", "holds", "precision"),
    [
        ("diffusion_models/wan.safetensors", "transformer", "BF16"),
        ("wan-Q8_0.gguf", "transformer", "Q8_0"),
        ("vae/wan_vae.safetensors", "vae", "F32"),
        ("umt5.safetensors", "text_encoder", "F32"),
        ("clip_vision_h.safetensors", "image_encoder", "F32"),
        ("loras/style.safetensors", "lora", "F16"),
    ],
)
def test_a_file_says_its_family_what_it_holds_and_its_numbers(
    shelf: dict[str, Shelved], name: str, holds: str, precision: str
) -> None:
    one = shelf[name]
    assert (one.family, one.holds, one.precision, one.problem) == ("Wan", (holds,), precision, "")
    assert one.does


def test_a_file_that_no_node_takes_is_offered_to_none_and_a_pickle_says_why(shelf: dict[str, Shelved]) -> None:
    assert (shelf["other.safetensors"].holds, shelf["other.safetensors"].problem) == ((), "")
    assert "a Python pickle" in shelf["pickle.safetensors"].problem


def test_weights_that_were_trained_here_are_told_by_what_they_are() -> None:
    found = {one.name: one for one in shelve((Path(assets.__file__).parent / "weights",))}
    assert (found["dit.safetensors"].family, found["dit.safetensors"].holds) == ("Patchloom", ("transformer",))
    assert found["video_vae.safetensors"].holds == ()


def test_every_picker_of_a_file_asks_for_something_that_files_hold() -> None:
    asked = {
        (node.type, widget.name): widget.meta.holds
        for node in library().values() for widget in node.widgets.values()
        if isinstance(widget.meta, ModelName) and widget.meta.part == "file"
    }  # fmt: skip
    assert asked.pop(("load_lora", "file")) == "lora"
    assert None not in asked.values()


def test_a_language_model_says_whether_it_writes_or_describes() -> None:
    found = {one.name: (one.does, one.holds) for one in shelve((tiny_language.models_folder(),))}
    assert found["writer"] == (("expand prompts",), ("writer",))
    assert found["describer"] == (("caption clips",), ("describer",))


def test_a_folder_says_whether_it_has_an_image_encoder(tmp_path: Path) -> None:
    tiny_wan.write_text_to_video(tmp_path / "t2v")
    tiny_wan.write_image_to_video(tmp_path / "i2v")
    assert {one.name: one.holds for one in shelve((tmp_path,))} == {"t2v": (), "i2v": ("image_encoder",)}
