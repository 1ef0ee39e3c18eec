"""Every variant in each kind of file: what it holds is what diffusers reads from it, or makes of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import table
import tiny_family_files as tiny
import tiny_files
import tiny_framepack
import tiny_wan
import torch
from bench import loaded
from diffusers import SkyReelsV2Transformer3DModel
from safetensors.torch import load_file
from test_formats_families import converted
from variants import VARIANTS, folder

from assets.files import Files
from assets.values import DiT
from assets.weight_files import WeightsRefused
from nodes.families.formats.loading import load_part
from nodes.families.formats.names import SAME, Names
from nodes.families.formats.precision import networks
from nodes.families.formats.stored import StoredLinear
from nodes.families.hunyuan.layouts import COMFY_NAMES
from nodes.families.hunyuan.layouts import NAMES as HUNYUAN
from nodes.families.ltx.layouts import NAMES as LTX
from nodes.families.mochi.layouts import NAMES as MOCHI
from nodes.families.nodes import load_weights
from nodes.families.registry import components
from nodes.families.wan.layouts import NAMES as WAN
from nodes.models.nodes import load_dit, load_lora

pytestmark = [
    pytest.mark.filterwarnings("ignore:In CPU autocast"),
    pytest.mark.filterwarnings("ignore:While injecting the PEFT adapters"),
]
State = dict[str, torch.Tensor]
NARROW = {"num_attention_heads": 1, "attention_head_dim": 128}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files((tmp_path,), tmp_path, (tmp_path,))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each variant's folder as `write` makes it, made once."""
    return cache(lambda name: write(name, tmp_path_factory.mktemp("wide") / "model"))


def parts(name: str) -> list[Path]:
    """The folders of a variant's transformers."""
    return [one for part in ("transformer", "transformer_2") if (one := folder(name) / part).is_dir()]


def states(handle: Any) -> list[State]:
    return [dict(network.state_dict()) for network in networks(loaded(handle))]


def furthest(ours: State, theirs: State, atol: float = 0) -> float:
    """The largest difference of two states; AssertionError where it is above `atol`."""
    torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)
    return max((float((one.float() - theirs[name].float()).abs().max()) for name, one in ours.items()), default=0.0)


@pytest.mark.parametrize("name", VARIANTS)
def test_shards_are_the_whole(name: str, files: Files, tmp_path: Path) -> None:
    copytree(folder(name), tmp_path / "sharded")
    for part in parts(name):
        there = tmp_path / "sharded" / part.name
        for file in there.glob("*.safetensors"):
            file.unlink()
        made = load_part(kind(name), part)
        made.save_pretrained(there, max_shard_size="60KB")
        assert len(list(there.glob("*.safetensors"))) > 1
    for ours, part in zip(states(load_weights(files=files, model="sharded").dit), parts(name), strict=True):
        table.note(name, "sharded", furthest(ours, dict(load_part(kind(name), part).state_dict())))


def kind(name: str) -> Any:
    """diffusers' class of a variant's transformer."""
    return type(next(networks(loaded(components(folder(name)).dit))))


@pytest.mark.parametrize("name", VARIANTS)
def test_bfloat16_is_what_diffusers_makes_of_it(name: str, tmp_path: Path, files: Files) -> None:
    copytree(folder(name), tmp_path / "model")
    made = networks(loaded(load_weights(files=files, model="model", precision="bfloat16").dit))
    for ours, part in zip(made, parts(name), strict=True):
        theirs = kind(name).from_pretrained(part, torch_dtype=torch.bfloat16)
        both = ({layer: one.detach() for layer, one in each.named_parameters()} for each in (ours, theirs))
        table.note(name, "bfloat16", furthest(*both))


@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_float8_storage_is_nearer_to_the_weights_than_diffusers_layerwise_casting(
    name: str, tmp_path: Path, files: Files
) -> None:
    copytree(folder(name), tmp_path / "model")
    few = networks(loaded(load_weights(files=files, model="model", precision="float8 storage").dit))
    for ours, part in zip(few, parts(name), strict=True):
        exact, theirs = (load_part(kind(name), part) for _ in range(2))
        theirs.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
        stored = {layer for layer, one in ours.named_modules() if isinstance(one, StoredLinear)}
        cast = {layer for layer, one in theirs.named_modules()
                if isinstance(one, torch.nn.Linear) and one.weight.dtype == torch.float8_e4m3fn}  # fmt: skip
        assert stored == cast != set()
        shares = []
        for layer in stored:
            whole = exact.get_submodule(layer).weight
            off, cast_off = ((one.get_submodule(layer).weight.float() - whole).norm() for one in (ours, theirs))
            assert off <= cast_off
            shares.append(float(off / whole.norm()))
        table.note(name, "float8", max(shares))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_lora_is_what_diffusers_makes_of_it(name: str, tmp_path: Path, files: Files) -> None:
    copytree(folder(name), tmp_path / "model")
    plain = load_part(kind(name), parts(name)[0])
    layers = [layer for layer, one in plain.named_modules() if isinstance(one, torch.nn.Linear) and "blocks." in layer]
    torch.manual_seed(5)
    tensors: State = {}
    for layer in (layers[0], layers[-1], layers[len(layers) // 2]):
        tall, wide = plain.get_submodule(layer).weight.shape
        tensors[f"transformer.{layer}.lora_A.weight"] = torch.randn(4, wide) / 8
        tensors[f"transformer.{layer}.lora_B.weight"] = torch.randn(tall, 4)
    tiny.write(tmp_path / "lora.safetensors", tensors)
    dit = load_lora(load_weights(files=files, model="model").dit, files=files, file="lora.safetensors")
    for ours, part in zip(states(dit), parts(name), strict=True):
        theirs = load_part(kind(name), part)
        theirs.load_lora_adapter(dict(tensors), prefix="transformer")
        theirs.fuse_lora()
        theirs.unload_lora()
        merged = dict(theirs.state_dict())
        assert any(
            not torch.equal(merged[layer], one) for layer, one in load_part(kind(name), part).state_dict().items()
        )
        table.note(name, "lora", furthest(ours, merged, 1e-5))


def wan(**sizes: Any) -> Callable[[], Any]:
    return partial(tiny_files.transformer, **sizes)


def vace() -> Any:
    return tiny_wan.WanVACETransformer3DModel(
        **NARROW, ffn_dim=64, num_layers=4, text_dim=32, freq_dim=32, vace_layers=[0, 2], vace_in_channels=96
    )


def replacing() -> Any:
    made = tiny.hunyuan()
    return type(made).from_config({**made.config, "image_condition_type": "token_replace"})


def skyreels(**more: Any) -> Callable[[], Any]:
    sizes = NARROW | {"ffn_dim": 64, "num_layers": 2, "text_dim": 32, "freq_dim": 32}
    return partial(SkyReelsV2Transformer3DModel, **sizes | more)


def framepack() -> Any:
    made = tiny_framepack.transformer()
    wider = {**NARROW, "rope_axes_dim": (16, 56, 56), "num_layers": 2, "num_single_layers": 2}
    return type(made).from_config({**made.config, **wider})


@dataclass(frozen=True)
class InFiles:
    """transformer: as wide as files tell. layouts: how they name it. file: a name that tells what the shapes do not."""

    transformer: Callable[[], Any]
    layouts: dict[str, Names]
    file: str = "transformer"


IMAGE = {"in_channels": 36, "image_dim": 24, "added_kv_proj_dim": 128}
ONLY_DIFFUSERS = {"diffusers": SAME}
OF_WAN, OF_LTX, OF_MOCHI = ({"original": names, "comfy": names, "diffusers": SAME} for names in (WAN, LTX, MOCHI))
OF_HUNYUAN = {"original": HUNYUAN, "comfy": COMFY_NAMES, "diffusers": SAME}
COGVIDEOX = {"2B": "2b", "5B": "5b", "5B I2V": "5b image", "1.5": "1.5", "1.5 I2V": "1.5 image"}
FILES = {
    "Wan 2.1 T2V": InFiles(wan(), OF_WAN),
    "Wan 2.1 I2V": InFiles(wan(**IMAGE), OF_WAN),
    "Wan 2.1 FLF2V": InFiles(wan(**IMAGE, pos_embed_seq_len=514), OF_WAN),
    "Wan 2.2 A14B T2V": InFiles(wan(), OF_WAN),
    "Wan 2.2 A14B I2V": InFiles(wan(in_channels=36), OF_WAN),
    "Wan 2.2 TI2V-5B": InFiles(wan(in_channels=48, out_channels=48), OF_WAN),
    "Wan VACE": InFiles(vace, OF_WAN),
    "SkyReels-V2 T2V": InFiles(skyreels(), OF_WAN, "Wan2_1-SkyReels-V2-T2V-14B-540P_fp16"),
    "SkyReels-V2 I2V": InFiles(skyreels(**IMAGE), OF_WAN, "Wan2_1-SkyReels-V2-I2V-14B-540P_fp16"),
    "SkyReels-V2 DF": InFiles(skyreels(inject_sample_info=True), OF_WAN),
    "LTX-Video 0.9": InFiles(tiny.ltx, OF_LTX, "ltx-video-2b-v0.9"),
    "LTX-Video 0.9.5": InFiles(tiny.ltx, OF_LTX),
    **{f"CogVideoX {name}": InFiles(partial(tiny.cogvideox, kind), ONLY_DIFFUSERS) for name, kind in COGVIDEOX.items()},
    "HunyuanVideo": InFiles(tiny.hunyuan, OF_HUNYUAN),
    "HunyuanVideo I2V concat": InFiles(partial(tiny.hunyuan, told=True), OF_HUNYUAN),
    "HunyuanVideo I2V replace": InFiles(replacing, OF_HUNYUAN, "hunyuan_video_i2v_replace"),
    "FramePack": InFiles(framepack, ONLY_DIFFUSERS),
    "Mochi": InFiles(tiny.mochi, OF_MOCHI),
}
EXPERTS = ("Wan 2.2 A14B T2V", "Wan 2.2 A14B I2V")
EACH = [(name, layout) for name, one in FILES.items() for layout in one.layouts]
SAME_IN_FILES = (
    "given",
    "needs_given",
    "told",
    "still",
    "images",
    "space",
    "channels",
    "patch",
    "encoder",
    "objective",
    "family",
    "section",
)


@pytest.mark.parametrize(("name", "layout"), EACH)
def test_a_file_is_the_dit_of_the_folder(
    name: str, layout: str, wide: Callable[[str], Path], tmp_path: Path, files: Files
) -> None:
    whole = FILES[name]
    copytree(wide(name), tmp_path / "model")
    second = {}
    for part in ("transformer", "transformer_2")[: 1 + (name in EXPERTS)]:
        state = load_file(next((tmp_path / "model" / part).glob("*.safetensors")))
        prefix = {"original": "", "comfy": "model.diffusion_model."}.get(layout, "")
        file = f"{whole.file if part == 'transformer' else part}.safetensors"
        tiny.write(tmp_path / file, named(state, whole.layouts[layout]), prefix)
        second = {"second": "transformer_2.safetensors"} if part == "transformer_2" else {}
    from_folder = load_weights(files=files, model="model").dit
    from_file = load_dit(files=files, file=f"{whole.file}.safetensors", **second)
    for field in fields(DiT):
        if field.name in SAME_IN_FILES:
            assert getattr(from_file, field.name) == getattr(from_folder, field.name), field.name
    for ours, theirs in zip(states(from_file), states(from_folder), strict=True):
        table.note(name, layout, furthest(ours, theirs))
    configs = [[config(network) for network in networks(loaded(one))] for one in (from_file, from_folder)]
    assert configs[0] == configs[1]
    few = tiny.write_gguf(tmp_path / "few.gguf", named(state, whole.layouts[layout]))
    dit = load_dit(files=files, file="few.gguf")
    restored = next(networks(loaded(replace(dit, precision="float32"))))
    held = {layer for layer, one in next(networks(loaded(dit))).named_modules() if isinstance(one, StoredLinear)}
    assert len(held) > 4
    stands = converted(whole.layouts[layout], few)
    weights = {f"{layer}.weight": stands[f"{layer}.weight"] for layer in held}
    ours = {layer: restored.state_dict()[layer] for layer in weights}
    table.note(name, "gguf", furthest(ours, weights, 1e-7))


def config(network: Any) -> dict[str, Any]:
    """What a network is built by, without what it was not told."""
    said = {name: one for name, one in network.config.items() if not name.startswith("_") and one is not None}
    return json.loads(json.dumps(said | {"out_channels": network.config.out_channels or network.config.in_channels}))  # type: ignore[no-any-return]


def named(state: State, names: Names) -> State:
    return tiny_files.original_transformer(state) if names is WAN else tiny.in_layout(state, names)


def write(name: str, path: Path) -> Path:
    """A variant's folder, its transformers as wide as files tell."""
    VARIANTS[name].write(path)
    for number, part in enumerate(("transformer", "transformer_2")):
        if (path / part).is_dir():
            torch.manual_seed(5 + number)
            made = FILES[name].transformer().float()
            made.save_pretrained(path / part)
    return path


@pytest.mark.parametrize(
    ("file", "family", "given", "shift"),
    [("Wan2_1-SkyReels-V2-DF-14B-540P_fp16", "skyreels", "anywhere", 8.0),
     ("Wan2_1-SkyReels-V2-T2V-14B-540P_fp16", "skyreels", "nowhere", 8.0),
     ("Wan2_1-T2V-14B_fp16", "wan", "nowhere", 3.0)],
)  # fmt: skip
def test_a_files_name_tells_skyreels_from_wan_and_what_takes_a_level_a_frame(
    file: str, family: str, given: str, shift: float, tmp_path: Path, files: Files
) -> None:
    tiny.write(tmp_path / f"{file}.safetensors", dict(skyreels()().state_dict()))
    dit = load_dit(files=files, file=f"{file}.safetensors")
    assert (dit.family, dit.given, loaded(dit).shift) == (family, given, shift)


def test_vace_merged_into_skyreels_is_read_as_wans(tmp_path: Path, files: Files) -> None:
    tiny.write(tmp_path / "skyreels_vace.safetensors", dict(vace().state_dict()))
    assert load_dit(files=files, file="skyreels_vace.safetensors").family == "wan"


def test_a_damaged_file_is_called_what_it_is(tmp_path: Path, files: Files) -> None:
    for name, made, lost in (
        ("SkyReels-V2 DF", skyreels(inject_sample_info=True)(), "condition_embedder.text_embedder.linear_1.weight"),
        ("FramePack", framepack(), "time_text_embed.text_embedder.linear_1.weight"),
    ):
        state = dict(made.state_dict())
        del state[lost]
        tiny.write(tmp_path / "dit.safetensors", state)
        with pytest.raises(WeightsRefused, match=rf"looks like a {name.split()[0]}.* DiT, but has no tensor"):
            load_dit(files=files, file="dit.safetensors")


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_says_where_there_are_no_files(name: str) -> None:
    there = {**FILES[name].layouts, "gguf": SAME} if name in FILES else {}
    for column in {"diffusers", "original", "comfy", "gguf"} - there.keys():
        table.note(name, column, "none")
