"""Single files of what some Wans have besides: the image encoder, and VACE's blocks."""

from pathlib import Path

import numpy as np
import pytest
import tiny_files
import tiny_wan
import torch
from bench import loaded
from diffusers import WanVACETransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers
from transformers import CLIPImageProcessor

from assets.files import Files
from assets.weight_files import WeightsRefused
from nodes.families.images import load_image_encoder
from nodes.families.nodes import load_clip_vision, load_vae
from nodes.models.nodes import load_dit


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder "wan" of an image-to-video model whose image encoder has heads of the real width."""
    root = tmp_path_factory.mktemp("models")
    folder = tiny_wan.write_image_to_video(root / "wan")
    tiny_files.vision().save_pretrained(folder / "image_encoder")
    CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28).save_pretrained(folder / "image_processor")
    return root


@pytest.fixture(scope="module")
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def test_an_image_encoder_in_a_file_sees_what_the_folders_sees(models: Path, files: Files) -> None:
    tiny_files.write_clip(models / "clip_vision_h.safetensors", tiny_files.vision())
    from_file = load_clip_vision(files=files, file="clip_vision_h.safetensors")
    from_folder = load_image_encoder(files=files, model="wan")
    assert (from_file.encoder, from_file.dim) == (from_folder.encoder, 80)
    frame = np.random.default_rng(3).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    ours, theirs = (loaded(handle).look(frame) for handle in (from_file, from_folder))
    assert ours.shape == (5, 80)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_another_clip_is_refused_and_so_is_one_for_a_dit(models: Path, files: Files) -> None:
    tiny_files.write_clip(models / "clip_l.safetensors", tiny_files.vision(64))
    with pytest.raises(WeightsRefused, match="its width of 64 is no multiple of 80, as CLIP ViT-H's is"):
        load_clip_vision(files=files, file="clip_l.safetensors")
    tiny_files.write_clip(models / "h.safetensors", tiny_files.vision())
    for load in (load_dit, load_vae):
        with pytest.raises(WeightsRefused, match="holds a Wan image encoder; it needs a"):
            load(files=files, file="h.safetensors")


def test_vace_is_told_by_its_blocks(models: Path, files: Files) -> None:
    torch.manual_seed(4)
    whole = WanVACETransformer3DModel(
        num_attention_heads=1, attention_head_dim=128, ffn_dim=64, num_layers=4, text_dim=32, freq_dim=32,
        vace_layers=[0, 2], vace_in_channels=96,
    )  # fmt: skip
    state = dict(whole.state_dict())
    theirs = tiny_files.original_transformer(state)
    assert convert_wan_transformer_to_diffusers(dict(theirs)).keys() == state.keys()
    tiny_files.write(models / "vace.safetensors", theirs, "model.diffusion_model.")
    dit = load_dit(files=files, file="vace.safetensors")
    network = loaded(dit).experts[0]
    assert isinstance(network, WanVACETransformer3DModel)
    assert list(network.config.vace_layers) == [0, 2]
    torch.testing.assert_close(dict(network.state_dict()), state, atol=0, rtol=0)
