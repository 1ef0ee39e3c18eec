"""Files that keep weights as float8 times a scale, as ComfyUI's do: read to the numbers that they stand for."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import tiny_family_files as tiny
import tiny_files
import torch
from bench import loaded
from safetensors.torch import load_file, save_file
from torch import Tensor

from assets.files import Files
from assets.values import ModelHandle
from assets.weight_files import WeightsRefused
from nodes.families.formats.precision import networks
from nodes.families.formats.stored import StoredLinear
from nodes.families.nodes import load_text_encoder, load_weights
from nodes.models.nodes import load_dit

from test_formats_parts import clip, comfy_text, llama  # isort: skip

State = dict[str, Tensor]
Style = Callable[[str, Tensor], tuple[State, Tensor]]
DITS = [("wan", "original"), *((name, layout) for name, family in tiny.FAMILIES.items() for layout in family.layouts)]


def told(said: dict[str, Any]) -> Tensor:
    return torch.frombuffer(bytearray(json.dumps(said).encode()), dtype=torch.uint8)


def once(weight: Tensor, dtype: torch.dtype = torch.float8_e4m3fn) -> tuple[Tensor, Tensor]:
    scale = weight.abs().max() / torch.finfo(dtype).max
    return (weight / scale).to(dtype), scale


def old(name: str, weight: Tensor) -> tuple[State, Tensor]:
    """`scaled_fp8` for the file, `scale_weight` and `scale_input` for a layer."""
    few, scale = once(weight)
    return {
        f"{name}.weight": few,
        f"{name}.scale_weight": scale,
        f"{name}.scale_input": torch.ones(()),
    }, few.float() * scale


def new(name: str, weight: Tensor) -> tuple[State, Tensor]:
    few, scale = once(weight)
    said = told({"format": "float8_e4m3fn", "full_precision_matrix_mult": True})
    beside = {f"{name}.weight_scale": scale, f"{name}.input_scale": torch.ones(()), f"{name}.comfy_quant": said}
    return {f"{name}.weight": few, **beside}, few.float() * scale


def wide(name: str, weight: Tensor) -> tuple[State, Tensor]:
    """The other float8, with a scale that has a side."""
    few, scale = once(weight, torch.float8_e5m2)
    said = told({"format": "float8_e5m2"})
    return {
        f"{name}.weight": few,
        f"{name}.weight_scale": scale[None],
        f"{name}.comfy_quant": said,
    }, few.float() * scale


def by_rows(name: str, weight: Tensor) -> tuple[State, Tensor]:
    scale = weight.abs().amax(1, keepdim=True) / 448
    few = (weight / scale).to(torch.float8_e4m3fn)
    return {f"{name}.weight": few, f"{name}.weight_scale": scale}, few.float() * scale


def whole(name: str, weight: Tensor) -> tuple[State, Tensor]:
    """A layer that was left in many bits, with a scale all the same."""
    kept = (weight / 2).bfloat16()
    return {f"{name}.weight": kept, f"{name}.scale_weight": torch.tensor(2.0)}, kept.float() * 2


STYLES: dict[str, Style] = {"scale_weight": old, "comfy_quant": new, "e5m2": wide, "rows": by_rows, "whole": whole}


def in_few_bits(state: State, style: Style) -> tuple[State, State]:
    """A file's tensors, those of layers in that style, and what they stand for."""
    few: State = {"scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn)} if style is old else {}
    stands: State = {}
    for name, tensor in state.items():
        layer, _, last = name.rpartition(".")
        if tensor.ndim == 2 and last == "weight" and any(each in name for each in ("block", "layers", "enc.")):
            made, stood = style(layer, tensor.float())
            few |= made
            stands[name] = stood.bfloat16()
        else:
            few[name] = stands[name] = tensor.bfloat16() if tensor.is_floating_point() else tensor
    return few, stands


def numbers(handle: ModelHandle) -> State:
    made = {}
    for number, network in enumerate(networks(loaded(handle))):
        made |= {f"{number} {name}": one for name, one in network.state_dict().items()}
        for name, layer in network.named_modules():
            if isinstance(layer, StoredLinear):
                made[f"{number} {name}.weight"] = layer.weight
    return made


def require_alike(one: ModelHandle, other: ModelHandle) -> None:
    ours, theirs = numbers(one), numbers(other)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name].float(), tensor.float(), atol=0, rtol=2**-7, msg=name)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for name, family in tiny.FAMILIES.items():
        folder = tiny.write_folder(root, name)
        state = tiny.weights(folder)
        for layout, names in family.layouts.items():
            tiny.write(root / f"{name} {layout}.safetensors", tiny.in_layout(state, names))
    tiny_files.write_folder(root / "wan")
    wan = load_file(next((root / "wan" / "transformer").glob("*.safetensors")))
    tiny.write(root / "wan original.safetensors", tiny_files.original_transformer(wan))
    torch.manual_seed(8)
    llama().save_pretrained(root / "hunyuan" / "text_encoder")
    clip().save_pretrained(root / "hunyuan" / "text_encoder_2")
    for family, tokenizer in (("ltx", "t5_tokenizer"), ("wan", "umt5_tokenizer"), ("hunyuan", "llama_tokenizer")):
        copytree(root / family / "tokenizer", root / tokenizer)
        tiny.write(root / f"{family} text.safetensors", comfy_text(root / family, "text_encoder"))
    copytree(root / "hunyuan" / "tokenizer_2", root / "clip_tokenizer")
    tiny.write(root / "clip.safetensors", comfy_text(root / "hunyuan", "text_encoder_2"))
    return root


@pytest.fixture
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def write_both(models: Path, name: str, style: Style, prefix: str = "") -> tuple[str, str]:
    """Names of a file in few bits, and of one of what it stands for."""
    few, stands = in_few_bits(load_file(models / name), style)
    tiny.write(models / "few.safetensors", few, prefix)
    tiny.write(models / "stands.safetensors", stands, prefix)
    assert len(few) > len(stands)
    return "few.safetensors", "stands.safetensors"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("family", "layout"), DITS)
def test_a_dit_is_the_numbers_that_it_stands_for(
    models: Path, files: Files, family: str, layout: str, style: str
) -> None:
    prefix = "model.diffusion_model." if layout == "original" else ""
    names = write_both(models, f"{family} {layout}.safetensors", STYLES[style], prefix)
    few, stands = (load_dit(files=files, file=name) for name in names)
    require_alike(few, stands)
    held = [
        layer for network in networks(loaded(few)) for layer in network.modules() if isinstance(layer, StoredLinear)
    ]
    assert bool(held) == (style != "whole")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("family", ["ltx", "wan", "hunyuan"])
def test_a_text_encoder_is_the_numbers_that_it_stands_for(models: Path, files: Files, family: str, style: str) -> None:
    dit = load_weights(files=files, model="ltx").dit if family == "ltx" else None
    names = write_both(models, f"{family} text.safetensors", STYLES[style])
    second = "clip.safetensors" if family == "hunyuan" else ""
    few, stands = (load_text_encoder(dit, files=files, file=name, second=second) for name in names)
    require_alike(few, stands)


@pytest.mark.parametrize("style", STYLES)
def test_clip_is_the_numbers_that_it_stands_for(models: Path, files: Files, style: str) -> None:
    names = write_both(models, "clip.safetensors", STYLES[style])
    few, stands = (load_text_encoder(files=files, file="hunyuan text.safetensors", second=name) for name in names)
    require_alike(few, stands)


def nvfp4(name: str, weight: Tensor) -> State:
    blocks = torch.ones(len(weight), weight.shape[1] // 2).to(torch.float8_e4m3fn)
    packed = torch.zeros(len(weight), weight.shape[1] // 2, dtype=torch.uint8)
    return {f"{name}.weight": packed, f"{name}.weight_scale": blocks, f"{name}.weight_scale_2": torch.ones(())}


def int8(name: str, weight: Tensor) -> State:
    return {f"{name}.weight": weight.to(torch.int8), f"{name}.weight_scale": torch.ones(())}


def mxfp8(name: str, weight: Tensor) -> State:
    return {f"{name}.weight": weight.to(torch.float8_e4m3fn), f"{name}.weight_scale": torch.zeros(4, 4).to(torch.uint8)}


def blocks(name: str, weight: Tensor) -> State:
    return {f"{name}.weight": weight.to(torch.float8_e4m3fn), f"{name}.scale_weight": torch.ones(2, 2)}


def smoothed(name: str, weight: Tensor) -> State:
    return new(name, weight)[0] | {f"{name}.pre_quant_scale": torch.ones(weight.shape[1])}


@pytest.mark.parametrize("style", [nvfp4, int8, mxfp8, blocks, smoothed])
def test_what_is_kept_otherwise_is_refused_while_wiring(
    models: Path, files: Files, style: Callable[[str, Tensor], State]
) -> None:
    state = load_file(models / "wan original.safetensors")
    layer = "blocks.1.ffn.0"
    tiny.write(models / "other.safetensors", state | style(layer, state[f"{layer}.weight"]))
    with pytest.raises(WeightsRefused, match=rf"keeps {layer}\.\S+ as .*, which is not read here; float8 with a scale"):
        load_dit(files=files, file="other.safetensors")


def test_the_header_may_say_that_a_layer_is_kept_otherwise(models: Path, files: Files) -> None:
    few, _ = in_few_bits(load_file(models / "wan original.safetensors"), new)
    for format_, read in (("float8_e4m3fn", True), ("mxfp8", False)):
        said = json.dumps({"format_version": "1.0", "layers": {"blocks.0.ffn.0": {"format": format_}}})
        save_file(few, models / f"{format_}.safetensors", {"_quantization_metadata": said})
        if read:
            assert load_dit(files=files, file=f"{format_}.safetensors").family == "wan"
        else:
            with pytest.raises(WeightsRefused, match=r"keeps blocks\.0\.ffn\.0 as 'mxfp8'"):
                load_dit(files=files, file=f"{format_}.safetensors")


@pytest.mark.parametrize("said", [{"format": "float8_e4m3fn", "convrot": True}, {"format": "fp8_blocks"}, {}])
def test_a_layer_that_says_that_it_is_kept_otherwise_is_refused_when_it_is_read(
    models: Path, files: Files, said: dict[str, Any]
) -> None:
    few, _ = in_few_bits(load_file(models / "wan original.safetensors"), new)
    few["blocks.0.ffn.0.comfy_quant"] = told(said)
    name = f"{len(said)} {said.get('format')}.safetensors"
    tiny.write(models / name, few)
    with pytest.raises(WeightsRefused, match=r"keeps blocks\.0\.ffn\.0 as"):
        loaded(load_dit(files=files, file=name))
