"""Single files of what some Wans have besides: the image encoder, and VACE's blocks."""

from pathlib import Path

import numpy as np
import pytest
import tiny_files
import tiny_wan
import torch
from bench import Bench, loaded
from diffusers import WanVACETransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers
from parity import PROMPT
from transformers import CLIPImageProcessor

from assets.files import Files
from assets.values import Clip, DiT, Mask, Text
from assets.weight_files import WeightsRefused
from nodes.dit.nodes import sample
from nodes.families.canvas import canvas_by_mask
from nodes.families.formats.stored import stored_layers
from nodes.families.images import load_image_encoder
from nodes.families.nodes import load_clip_vision, load_vae
from nodes.families.registry import Components, components
from nodes.models.nodes import load_dit
from nodes.patches.nodes import unpatchify
from nodes.text_encoder.nodes import encode_text


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


VACE = {"num_layers": 2, "vace_layers": [0], "vace_in_channels": 96}


@pytest.fixture(scope="module")
def vace(models: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    """A VACE folder with heads of the real width, and its transformer's weights by the makers' names."""
    folder = tiny_wan.write_vace(models / "vace")
    torch.manual_seed(4)
    whole = WanVACETransformer3DModel(
        num_attention_heads=1, attention_head_dim=128, ffn_dim=64, text_dim=32, freq_dim=32, **VACE
    )
    for name, weight in whole.named_parameters():
        if "vace_blocks" in name and "proj_" in name:  # zero where untrained, which would tell nothing
            torch.nn.init.normal_(weight, std=0.1)
    whole.save_pretrained(folder / "transformer")
    return folder, tiny_files.original_transformer(dict(whole.state_dict()))


def inpainted(dit: DiT, found: Components) -> torch.Tensor:
    """The latent that a DiT makes of half of a clip."""
    frames = np.random.default_rng(0).integers(0, 256, (9, 32, 48, 3), dtype=np.uint8)
    mask = torch.zeros(9, 32, 48)
    mask[:, :, 24:] = 1
    canvas = canvas_by_mask(dit, found.vae, Clip(frames, 16.0), Mask(mask), ctx=Bench())
    text = encode_text(found.text_encoder, Text(PROMPT), ctx=Bench())
    asked = {"steps": 2, "guidance": 3.0, "sampler": "unipc", "shift": 0}
    return torch.as_tensor(unpatchify(sample(dit, canvas, text, None, ctx=Bench(), **asked).patches).data)


def test_vace_in_one_file_fills_in_what_the_folder_does_and_nearly_so_in_few_bits(
    models: Path, files: Files, vace: tuple[Path, dict[str, torch.Tensor]]
) -> None:
    folder, state = vace
    found = components(folder)
    theirs = inpainted(found.dit, found)
    assert float(theirs.std()) > 0.1
    tiny_files.write(models / "whole.safetensors", state)
    whole = load_dit(files=files, file="whole.safetensors")
    assert (whole.told, whole.given) == (found.dit.told, found.dit.given) == ("by a mask", "anywhere")
    torch.testing.assert_close(inpainted(whole, found), theirs, atol=1e-5, rtol=0)
    tiny_files.write_gguf(models / "few.gguf", state, "Q8_0")
    few = load_dit(files=files, file="few.gguf")
    stored = [name for name, _ in stored_layers(loaded(few).experts[0])]
    assert "vace_blocks.0.proj_in" in stored
    assert "vace_blocks.0.attn1.to_q" in stored
    assert 0 < float((inpainted(few, found) - theirs).abs().max()) < 0.3
