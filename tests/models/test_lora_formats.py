"""LoRAs for real weights, in each key layout: W + weight (alpha / rank) B A, or a sentence."""

import json
from pathlib import Path

import pytest
import tiny_files
import tiny_skyreels
import torch
from bench import loaded
from safetensors.torch import load_file

from assets.files import Files
from assets.values import DiT
from assets.weight_files import WeightsRefused
from nodes.families.registry import components
from nodes.families.wan.layouts import NAMES
from nodes.models.nodes import load_dit, load_lora

LAYERS = ("blocks.0.attn1.to_q", "blocks.1.attn2.to_out.0", "blocks.1.ffn.net.0.proj")
RANK, ALPHA = 4, 2.0


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(5)
    state = dict(tiny_files.transformer().state_dict())
    tiny_files.write(root / "dit.safetensors", tiny_files.original_transformer(state))
    tiny_files.write_gguf(root / "dit.gguf", tiny_files.original_transformer(state), "Q8_0")
    shapes = {layer: state[f"{layer}.weight"].shape for layer in LAYERS}
    pairs = {layer: (torch.randn(RANK, wide), torch.randn(tall, RANK)) for layer, (tall, wide) in shapes.items()}
    tiny_files.write(
        root / "pairs.safetensors", {f"{k}.{i}": v for k, both in pairs.items() for i, v in enumerate(both)}
    )
    peft, comfy, kohya = {}, {}, {}
    for layer, (down, up) in pairs.items():
        theirs = NAMES.theirs(layer)
        peft |= {f"transformer.{layer}.lora_A.weight": down, f"transformer.{layer}.lora_B.weight": up}
        alpha = torch.tensor(ALPHA)
        for keys, name in ((comfy, f"diffusion_model.{theirs}"), (kohya, f"lora_unet_{theirs.replace('.', '_')}")):
            keys |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": alpha}
    metadata = {"transformer.r": RANK, "transformer.lora_alpha": ALPHA}
    tiny_files.write(root / "peft.safetensors", peft, lora_adapter_metadata=json.dumps(metadata))
    tiny_files.write(root / "comfy.safetensors", comfy)
    tiny_files.write(root / "kohya.safetensors", kohya)
    return root


@pytest.fixture(scope="module")
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


@pytest.fixture(scope="module")
def dit(files: Files) -> DiT:
    return load_dit(files=files, file="dit.safetensors")


def change(models: Path, layer: str) -> torch.Tensor:
    pairs = load_file(models / "pairs.safetensors")
    return ALPHA / RANK * pairs[f"{layer}.1"] @ pairs[f"{layer}.0"]


@pytest.mark.parametrize("layout", ["peft", "comfy", "kohya"])
def test_each_layout_is_the_merge_by_hand(models: Path, files: Files, dit: DiT, layout: str) -> None:
    plain = loaded(dit).experts[0].state_dict()
    merged = loaded(load_lora(dit, files=files, file=f"{layout}.safetensors", weight=0.5)).experts[0].state_dict()
    for name, tensor in plain.items():
        layer = name.removesuffix(".weight")
        expected = tensor + 0.5 * change(models, layer) if layer in LAYERS else tensor
        torch.testing.assert_close(merged[name], expected, atol=1e-6, rtol=0)


def test_several_add_up_and_an_expert_can_be_left_as_it_is(models: Path, files: Files) -> None:
    pair = load_dit(files=files, file="dit.safetensors", second="dit.safetensors")
    one = load_lora(pair, files=files, file="comfy.safetensors", weight=0.5)
    two = load_lora(one, files=files, file="kohya.safetensors", weight=-0.25, expert="high noise")
    plain = loaded(pair).experts[0].get_submodule(LAYERS[0]).weight
    for expert, weight in zip(loaded(two).experts, (0.25, 0.5), strict=True):
        expected = plain + weight * change(models, LAYERS[0])
        torch.testing.assert_close(expert.get_submodule(LAYERS[0]).weight, expected, atol=1e-6, rtol=0)


def test_beside_weights_of_few_bits_it_does_what_the_merge_does(models: Path, files: Files) -> None:
    few = load_dit(files=files, file="dit.gguf")
    plain = loaded(few).experts[0].get_submodule(LAYERS[0])
    layer = (
        loaded(load_lora(few, files=files, file="comfy.safetensors", weight=1.0)).experts[0].get_submodule(LAYERS[0])
    )
    x = torch.randn(5, 128)
    expected = x @ (plain.weight.float() + change(models, LAYERS[0])).T + plain.bias.float()
    got = layer(x.bfloat16()).float()
    assert float((got - expected).abs().max() / expected.abs().max()) < 2e-2


def test_whole_differences_are_added(models: Path, files: Files, dit: DiT) -> None:
    diff = torch.randn(128)
    tiny_files.write(models / "diff.safetensors", {"diffusion_model.blocks.0.self_attn.q.diff_b": diff,
                                                   "diffusion_model.blocks.0.norm3.diff": diff})  # fmt: skip
    plain, merged = (loaded(each).experts[0].blocks[0] for each in
                     (dit, load_lora(dit, files=files, file="diff.safetensors", weight=0.5)))  # fmt: skip
    torch.testing.assert_close(merged.attn1.to_q.bias, plain.attn1.to_q.bias + 0.5 * diff)
    torch.testing.assert_close(merged.norm2.weight, plain.norm2.weight + 0.5 * diff)


def test_one_of_another_family_size_or_kind_is_refused_while_wiring(models: Path, files: Files, dit: DiT) -> None:
    def refused(name: str, tensors: dict[str, torch.Tensor]) -> str:
        tiny_files.write(models / f"{name}.safetensors", tensors)
        with pytest.raises(WeightsRefused) as caught:
            load_lora(dit, files=files, file=f"{name}.safetensors")
        return str(caught.value)

    def pair(layer: str, wide: int = 128) -> dict[str, torch.Tensor]:
        return {f"{layer}.lora_A.weight": torch.zeros(4, wide), f"{layer}.lora_B.weight": torch.zeros(wide, 4)}

    assert "seems to be a LoRA for HunyuanVideo; this DiT is Wan" in refused(
        "h", pair("diffusion_model.double_blocks.0.img_attn_qkv")
    )
    assert "seems to be a LoRA for LTX-Video" in refused("l", pair("transformer.transformer_blocks.0.attn2.to_k"))
    assert "by 5120x5120; this DiT's is 128x128" in refused("big", pair("transformer.blocks.0.attn1.to_q", 5120))
    assert "1 of 2 layers are none of this DiT's" in refused(
        "deep", pair("transformer.blocks.0.attn1.to_q") | pair("transformer.blocks.9.attn1.to_q")
    )
    assert "kind of adapter that is not known here" in refused(
        "loha", pair("transformer.blocks.0.attn1.to_q") | {"transformer.blocks.0.attn1.to_q.hada_w1_a": torch.zeros(1)}
    )
    half = pair("transformer.blocks.0.attn1.to_q")
    half.popitem()
    assert "one matrix of two" in refused("half", half)
    with pytest.raises(WeightsRefused, match="holds no LoRA"):
        load_lora(dit, files=files, file="dit.safetensors")


def test_a_family_whose_dit_is_anothers_takes_loras_as_that_ones_files_name_them(models: Path, files: Files) -> None:
    dit = components(tiny_skyreels.write(models / "skyreels", forced=False)).dit
    plain = loaded(dit).model.blocks[1].attn2.to_q.weight
    down, up = torch.randn(RANK, plain.shape[1]), torch.randn(plain.shape[0], RANK)
    layer = "diffusion_model.blocks.1.cross_attn.q"
    tiny_files.write(models / "as wan.safetensors", {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up})
    merged = loaded(load_lora(dit, files=files, file="as wan.safetensors")).model.blocks[1].attn2.to_q.weight
    torch.testing.assert_close(merged, plain + up @ down, atol=1e-6, rtol=0)
