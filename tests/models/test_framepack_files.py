"""FramePack from single files: they make what its folder makes."""

from pathlib import Path

import pytest
import tiny_framepack
import tiny_hunyuan
import torch
from bench import Bench, loaded
from safetensors.torch import load_file
from tiny_files import write
from transformers import SiglipVisionConfig, SiglipVisionModel

from assets.files import Files
from assets.values import Text
from assets.weight_files import WeightsRefused
from assets.weight_headers import Tensor
from nodes.families.formats.loading import load_part
from nodes.families.formats.stored import StoredLinear
from nodes.families.framepack.layouts import image_config
from nodes.families.framepack.nodes import sample_sections
from nodes.families.images import encode_image
from nodes.families.nodes import load_clip_vision, load_vae
from nodes.families.registry import components
from nodes.models.nodes import load_dit, load_lora
from nodes.text_encoder.nodes import encode_text

WIDTH = 72
"""Of a head in the real image encoder."""


def siglip(width: int = WIDTH) -> SiglipVisionModel:
    torch.manual_seed(3)
    sizes = SiglipVisionConfig(
        hidden_size=width, intermediate_size=24, num_hidden_layers=2, num_attention_heads=1,
        image_size=tiny_framepack.SIDE, patch_size=14,
    )  # fmt: skip
    return SiglipVisionModel(sizes).eval()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder "framepack" as wide as files tell, and its parts as files beside it."""
    root = tmp_path_factory.mktemp("models")
    folder, looks = tiny_framepack.write(root / "framepack"), siglip()
    made = tiny_framepack.transformer()
    heads = {"num_attention_heads": 1, "attention_head_dim": 128, "rope_axes_dim": (16, 56, 56)}
    torch.manual_seed(6)
    dit = type(made).from_config({**made.config, **heads, "image_proj_dim": WIDTH}).eval()
    dit.save_pretrained(folder / "transformer")
    looks.save_pretrained(folder / "image_encoder")
    write(root / "FramePackI2V_HY_fp32.safetensors", dict(dit.state_dict()))
    # As sigclip_vision_patch14_384.safetensors has it.
    write(root / "sigclip.safetensors", dict(looks.state_dict()), "vision_model.")
    write(root / "vae.safetensors", dict(load_part(type(tiny_hunyuan.vae()), folder / "vae").state_dict()))
    return root


@pytest.fixture(scope="module")
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def test_a_section_by_files_is_the_one_by_the_folder(models: Path, files: Files) -> None:
    asked, shown = tiny_framepack.asked(models / "framepack"), tiny_framepack.picture()
    dit = load_dit(files=files, file="FramePackI2V_HY_fp32.safetensors")
    looks = load_clip_vision(files=files, file="sigclip.safetensors")
    said = encode_text(components(models / "framepack").text_encoder, Text("a red ball"), ctx=Bench())
    from_files = asked | {"dit": dit, "conditioning": encode_image(looks, said, shown, ctx=Bench())}
    told = {"seed": 7, "steps": 2, "guidance": 6.0}
    ours, theirs = (
        torch.as_tensor(sample_sections(**each, **told, ctx=Bench()).tokens) for each in (from_files, asked)
    )
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert loaded(dit).scheduler["shift"] == loaded(asked["dit"]).scheduler["shift"] == 7.0


def test_scaled_float8_stays_in_eight_bits_and_stands_for_the_numbers(models: Path, files: Files) -> None:
    scaled: dict[str, torch.Tensor] = {}
    layer = "single_transformer_blocks.0.attn.to_q"
    plain = load_file(models / "FramePackI2V_HY_fp32.safetensors")
    for name, tensor in plain.items():
        scaled[name] = tensor.bfloat16()
        if tensor.ndim == 2 and "_blocks." in name:
            scale = tensor.abs().max() / 448
            scaled |= {name: (tensor / scale).to(torch.float8_e4m3fn), name.replace(".weight", ".scale_weight"): scale}
    write(models / "FramePackI2V_HY_fp8_scaled.safetensors", scaled)
    dit = loaded(load_dit(files=files, file="FramePackI2V_HY_fp8_scaled.safetensors"))
    stored = dit.transformer.get_submodule(layer)
    assert isinstance(stored, StoredLinear)
    stands = scaled[f"{layer}.weight"].float() * scaled[f"{layer}.scale_weight"]
    assert torch.equal(stored.weight, stands.bfloat16())


def test_loras_name_its_layers_as_hunyuanvideos_makers_do(models: Path, files: Files) -> None:
    dit = load_dit(files=files, file="FramePackI2V_HY_fp32.safetensors")
    plain = loaded(dit).transformer.transformer_blocks[0].attn.to_out[0].weight
    down, up = torch.randn(4, plain.shape[1]), torch.randn(plain.shape[0], 4)
    layer = "diffusion_model.double_blocks.0.img_attn_proj"
    write(models / "lora.safetensors", {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up})
    merged = loaded(load_lora(dit, files=files, file="lora.safetensors"))
    torch.testing.assert_close(
        merged.transformer.transformer_blocks[0].attn.to_out[0].weight, plain + up @ down, atol=1e-5, rtol=0
    )


def test_hunyuanvideos_vae_in_a_file_goes_with_it(files: Files) -> None:
    dit = load_dit(files=files, file="FramePackI2V_HY_fp32.safetensors")
    vae = load_vae(dit, files=files, file="vae.safetensors")
    assert (vae.family, vae.space, vae.lead) == ("hunyuan", dit.space, 0)


def test_the_published_image_encoder_sees_384_pixels() -> None:
    shapes = {
        "embeddings.patch_embedding.weight": (1152, 3, 14, 14), "embeddings.position_embedding.weight": (729, 1152),
        **{f"encoder.layers.{layer}.mlp.fc1.weight": (4304, 1152) for layer in range(27)},
    }  # fmt: skip
    made = image_config({name: Tensor("F16", shape) for name, shape in shapes.items()})
    assert (made["image_size"], made["num_attention_heads"], made["num_hidden_layers"]) == (384, 16, 27)


def test_another_siglip_is_refused(models: Path, files: Files) -> None:
    write(models / "siglip_base.safetensors", dict(siglip(64).state_dict()), "vision_model.")
    with pytest.raises(WeightsRefused, match="its width of 64 is no multiple of 72, as SigLIP so400m's is"):
        load_clip_vision(files=files, file="siglip_base.safetensors")
