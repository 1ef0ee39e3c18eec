"""LoRAs as people have them: distilled ones with whole differences, and those of one kind of DiT used on another."""

from pathlib import Path

import pytest
import tiny_files
import torch
from bench import loaded
from safetensors.torch import load_file
from torch import Tensor

from assets.files import Files
from assets.weight_files import WeightsRefused
from nodes.api import collected_warnings
from nodes.families.wan.layouts import NAMES
from nodes.models.nodes import load_dit, load_lora

State = dict[str, Tensor]
RANK = 4
IMAGES = {"image_dim": 16, "added_kv_proj_dim": 128}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DiTs that make clips of text, and of images: with what shows them a picture, and as Wan 2.2 does without."""
    root = tmp_path_factory.mktemp("models")
    for name, more in {"t2v": {}, "i2v": {"in_channels": 36, **IMAGES}, "2.2 i2v": {"in_channels": 36}}.items():
        torch.manual_seed(5)
        state = dict(tiny_files.transformer(**more).state_dict())
        tiny_files.write(root / f"{name}.safetensors", tiny_files.original_transformer(state))
    tiny_files.write_gguf(root / "t2v.gguf", load_file(root / "t2v.safetensors"), "Q8_0")
    return root


@pytest.fixture(scope="module")
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def distilled(state: State) -> tuple[State, State]:
    """A LoRA of all that a DiT in a file has, as lightx2v's and CausVid's are, and what each tensor changes by."""
    random = torch.Generator().manual_seed(7)
    tensors: State = {}
    change: State = {}
    for name, tensor in state.items():
        layer, _, last = name.rpartition(".")
        spelt = f"diffusion_model.{layer}"
        if last == "modulation":
            change[name] = tensors[f"{spelt}.diff_m"] = torch.randn(tensor.shape, generator=random)
        elif last == "bias":
            change[name] = tensors[f"{spelt}.diff_b"] = torch.randn(tensor.shape, generator=random)
        elif tensor.ndim == 1 or name.startswith("head.head"):
            change[name] = tensors[f"{spelt}.diff"] = torch.randn(tensor.shape, generator=random)
        elif last == "weight":
            down = torch.randn(RANK, *tensor.shape[1:], generator=random) / 8
            up = torch.randn(len(tensor), RANK, *[1] * (tensor.ndim - 2), generator=random)
            tensors |= {f"{spelt}.lora_down.weight": down, f"{spelt}.lora_up.weight": up}
            tensors[f"{spelt}.alpha"] = torch.tensor(8.0)
            change[name] = 8 / RANK * (up.flatten(1) @ down.flatten(1)).reshape(tensor.shape)
    return tensors, change


def network(handle: object) -> State:
    return loaded(handle).experts[0].state_dict()  # type: ignore[arg-type]


def ours(name: str) -> str:
    return "scale_shift_table" if name == "head.modulation" else NAMES.ours(name)


def test_a_distilled_lora_changes_weights_biases_norms_and_modulation(models: Path, files: Files) -> None:
    state = load_file(models / "t2v.safetensors")
    tensors, change = distilled(state)
    assert {name.rpartition(".")[2] for name in tensors} == {"weight", "alpha", "diff", "diff_b", "diff_m"}
    tiny_files.write(models / "lightx2v.safetensors", tensors)
    dit = load_dit(files=files, file="t2v.safetensors")
    with collected_warnings() as said:
        merged = network(load_lora(dit, files=files, file="lightx2v.safetensors", weight=0.5))
    assert said == []
    assert len(change) == len(state)
    for name, tensor in state.items():
        torch.testing.assert_close(merged[ours(name)], tensor + 0.5 * change[name], atol=1e-5, rtol=1e-5, msg=name)


def test_beside_few_bits_it_changes_the_same(models: Path, files: Files) -> None:
    tensors, change = distilled(load_file(models / "t2v.safetensors"))
    tiny_files.write(models / "lightx2v.safetensors", tensors)
    dit = load_dit(files=files, file="t2v.gguf")
    plain, few = (loaded(each).experts[0] for each in (dit, load_lora(dit, files=files, file="lightx2v.safetensors")))
    for layer, theirs in (("blocks.0.attn1.to_q", "blocks.0.self_attn.q"), ("blocks.1.ffn.net.2", "blocks.1.ffn.2")):
        difference = few.get_submodule(layer).weight.float() - plain.get_submodule(layer).weight.float()
        torch.testing.assert_close(difference, change[f"{theirs}.weight"], atol=0.05, rtol=0.05)
    for name in ("blocks.0.scale_shift_table", "scale_shift_table"):
        theirs = "head.modulation" if name == "scale_shift_table" else "blocks.0.modulation"
        difference = few.get_parameter(name).float() - plain.get_parameter(name).float()
        torch.testing.assert_close(difference, change[theirs], atol=0.05, rtol=0.05)


@pytest.mark.parametrize(
    "keys",
    [
        "lora_unet__{}",
        "lora_unet_{}",
        "pipe.dit.{}",
        "base_model.model.{}",
        "transformer.{}",
        "diffusion_model.{}",
        "{}",
    ],
)
def test_each_prefix_is_read(models: Path, files: Files, keys: str) -> None:
    state = load_file(models / "t2v.safetensors")
    down, up = torch.randn(RANK, 128), torch.randn(128, RANK)
    layer = "blocks.1.cross_attn.k"
    spelt = keys.format(layer.replace(".", "_") if keys.startswith("lora_unet") else layer)
    tiny_files.write(
        models / "one.safetensors", {f"{spelt}.lora_A.default.weight": down, f"{spelt}.lora_B.default.weight": up}
    )
    merged = network(load_lora(load_dit(files=files, file="t2v.safetensors"), files=files, file="one.safetensors"))
    torch.testing.assert_close(merged["blocks.1.attn2.to_k.weight"], state[f"{layer}.weight"] + up @ down)


@pytest.mark.parametrize(
    ("made_for", "used_on"), [("i2v", "t2v"), ("i2v", "2.2 i2v"), ("t2v", "i2v"), ("2.2 i2v", "t2v")]
)
def test_one_for_images_serves_a_dit_without_what_shows_it_a_picture(
    models: Path, files: Files, made_for: str, used_on: str
) -> None:
    tensors, change = distilled(load_file(models / f"{made_for}.safetensors"))
    tiny_files.write(models / f"{made_for} lora.safetensors", tensors)
    state = load_file(models / f"{used_on}.safetensors")
    with collected_warnings() as said:
        handle = load_lora(
            load_dit(files=files, file=f"{used_on}.safetensors"), files=files, file=f"{made_for} lora.safetensors"
        )
    merged = network(handle)
    left = [name for name, each in change.items() if name not in state or (each.shape != state[name].shape)]
    assert bool(said) == bool(left)
    if said:
        assert "made for another kind of Wan" in said[0]
    for name, tensor in state.items():
        layer = name.rpartition(".")[0]
        changed = name in change and not any(
            each.startswith(f"{layer}.") for each in left if layer == "patch_embedding"
        )
        expected = tensor + change[name] if changed else tensor
        torch.testing.assert_close(merged[ours(name)], expected, atol=1e-5, rtol=1e-5, msg=name)
    assert sum(name in change for name in state) > len(state) / 2


def refused(files: Files, models: Path, tensors: State) -> str:
    tiny_files.write(models / "refused.safetensors", tensors)
    with pytest.raises(WeightsRefused) as caught:
        load_lora(load_dit(files=files, file="t2v.safetensors"), files=files, file="refused.safetensors")
    return str(caught.value)


def pair(layer: str) -> State:
    return {f"{layer}.lora_A.weight": torch.zeros(4, 128), f"{layer}.lora_B.weight": torch.zeros(128, 4)}


def test_what_does_not_fit_is_refused_by_name_while_wiring(models: Path, files: Files) -> None:
    layer = "diffusion_model.blocks.0.self_attn.q"
    wide = refused(files, models, pair(layer) | {f"{layer}.diff_b": torch.zeros(64)})
    assert "changes blocks.0.attn1.to_q.bias by 64; this DiT's is 128" in wide
    norm = {"diffusion_model.blocks.0.self_attn.norm_q.diff_b": torch.zeros(128)}
    assert "changes blocks.0.attn1.norm_q.bias by 128; this DiT's has none" in refused(
        files, models, pair(layer) | norm
    )
    dora = refused(files, models, pair(layer) | {f"{layer}.dora_scale": torch.zeros(128, 1)})
    assert "dora_scale, 1 in all" in dora
    table = {f"diffusion_model.blocks.0.modulation.{name.rpartition('q.')[2]}": one for name, one in pair("q").items()}
    assert "changes blocks.0.scale_shift_table by two matrices" in refused(files, models, pair(layer) | table)
    images = refused(files, models, pair("diffusion_model.blocks.0.cross_attn.k_img"))
    assert "none of this DiT's" in images
