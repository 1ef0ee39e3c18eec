"""Single files, GGUF, precision and LoRAs of LTX-Video, CogVideoX, HunyuanVideo and Mochi."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_family_files as tiny
import torch
from bench import Bench, loaded
from diffusers import HunyuanVideoFramepackTransformer3DModel, SkyReelsV2Transformer3DModel
from diffusers.loaders import single_file_utils as diffusers_files
from parity import PROMPT
from torch import Tensor

from assets.files import Files
from assets.values import Clip, DiT, Latent, Text
from assets.weight_files import WeightsRefused
from assets.weight_headers import Tensor as Shape
from nodes.dit.nodes import sample
from nodes.families.cogvideox import layouts as cogvideox_layouts
from nodes.families.formats.names import Names
from nodes.families.formats.precision import networks
from nodes.families.formats.stored import StoredLinear
from nodes.families.framepack import layouts as framepack_layouts
from nodes.families.hunyuan import layouts as hunyuan_layouts
from nodes.families.ltx import layouts as ltx_layouts
from nodes.families.mochi import layouts as mochi_layouts
from nodes.families.nodes import load_vae, load_weights
from nodes.families.registry import Components, components
from nodes.families.skyreels import layouts as skyreels_layouts
from nodes.models.nodes import load_dit, load_lora
from nodes.patches.nodes import noise_patches
from nodes.patches.nodes import unpatchify as unpatchify_node
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import decode_latent

# diffusers turns autocast on for Mochi's RoPE in fp32, which a CPU does not have and does not need.
pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast")
LAYOUTS = [(name, layout) for name, family in tiny.FAMILIES.items() for layout in family.layouts]
RANK, ALPHA = 4, 2.0
HUNYUAN, MOCHI = hunyuan_layouts.NAMES, mochi_layouts.NAMES


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder: for each family its diffusers folder, and "<family> <layout>.safetensors" beside it."""
    root = tmp_path_factory.mktemp("models")
    for name, family in tiny.FAMILIES.items():
        state = tiny.weights(tiny.write_folder(root, name))
        for layout, names in family.layouts.items():
            prefix = {"original": "model.diffusion_model.", "comfy": "model.model."}.get(layout, "")
            tiny.write(root / f"{name} {layout}.safetensors", tiny.in_layout(state, names), prefix)
    return root


@pytest.fixture(scope="module")
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def network(handle: Any) -> torch.nn.Module:
    return next(networks(loaded(handle)))


def require_same(got: torch.nn.Module, state: dict[str, Tensor], atol: float = 0) -> None:
    torch.testing.assert_close(dict(got.state_dict()), state, atol=atol, rtol=0)


def made(found: Components, size: dict[str, int]) -> Latent:
    text = encode_text(found.text_encoder, Text(PROMPT), ctx=Bench())
    canvas = noise_patches(found.dit, found.vae, **size)
    asked = {"steps": 2, "guidance": 3.0, "sampler": "euler", "shift": 0}
    return unpatchify_node(sample(found.dit, canvas, text, None, ctx=Bench(), **asked).patches)


def difference(one: Latent, other: Latent) -> float:
    return float((torch.as_tensor(one.data) - torch.as_tensor(other.data)).abs().max())


@pytest.mark.parametrize(("family", "layout"), LAYOUTS)
def test_a_file_makes_what_the_folder_makes(models: Path, files: Files, family: str, layout: str) -> None:
    folder = load_weights(files=files, model=family)
    dit = load_dit(files=files, file=f"{family} {layout}.safetensors")
    require_same(network(dit), tiny.weights(models / family))
    size = tiny.FAMILIES[family].size
    theirs = made(folder, size)
    assert float(torch.as_tensor(theirs.data).std()) > 0.1
    assert difference(made(folder._replace(dit=dit), size), theirs) < 1e-5


def converted(names: Names, state: dict[str, Tensor]) -> dict[str, Tensor]:
    names = names.ending(state)
    return {
        piece.name: tensor if piece.whole else torch.cat([tensor[rows] for rows in piece.rows(len(tensor))])
        for name, tensor in state.items()
        for piece in names.pieces(name)
    }


def thin(kind: Any, **sizes: Any) -> dict[str, Tensor]:
    """The weights of a model by name, as tall as they are and one column wide."""
    with torch.device("meta"):
        state = kind(**sizes).state_dict()
    return {name: torch.randn(tensor.shape[0], *[1] * (tensor.ndim - 1)) for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("names", "state", "theirs"),
    [
        (ltx_layouts.NAMES, lambda: tiny.ltx().state_dict(),
         diffusers_files.convert_ltx_transformer_checkpoint_to_diffusers),
        (MOCHI, lambda: thin(tiny.MochiTransformer3DModel),
         diffusers_files.convert_mochi_transformer_checkpoint_to_diffusers),
        (HUNYUAN, lambda: thin(tiny.HunyuanVideoTransformer3DModel, num_layers=1, num_single_layers=1),
         diffusers_files.convert_hunyuan_video_transformer_to_diffusers),
    ],
    ids=["ltx", "mochi", "hunyuan"],
)  # fmt: skip
def test_the_makers_names_are_turned_as_diffusers_turns_them(
    names: Names, state: Callable[[], dict[str, Tensor]], theirs: Callable[..., dict[str, Tensor]]
) -> None:
    original = tiny.in_layout(state(), names)
    torch.testing.assert_close(converted(names, original), theirs(dict(original)), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("version", "names"),
    [("0.9.0", ltx_layouts.VAE_090), ("0.9.1", ltx_layouts.VAE_091), ("0.9.5", ltx_layouts.VAE_095)],
)
def test_ltx_lies_in_one_file_with_its_vae(models: Path, files: Files, version: str, names: Names) -> None:
    vae = tiny.ltx_vae(version)
    state = dict(vae.state_dict())
    original = {f"vae.{name}": tensor for name, tensor in tiny.in_layout(state, names).items()}
    telling = "vae.encoder.conv_out.conv.weight"  # diffusers tells the version by how wide the real one is
    real = {telling: torch.zeros(1, 2048 if version == "0.9.5" else 512)}
    turned = diffusers_files.convert_ltx_vae_checkpoint_to_diffusers(original | real)
    assert {name: tensor.shape for name, tensor in turned.items() if name != telling[4:]} == {
        name: tensor.shape for name, tensor in state.items() if name != telling[4:]
    }
    dit = tiny.in_layout(tiny.weights(models / "ltx"), ltx_layouts.NAMES)
    whole = original | {f"model.diffusion_model.{name}": tensor for name, tensor in dit.items()}
    unused = {f"vae.per_channel_statistics.{name}": torch.ones(8) for name in ("channel", "mean-of-stds")}
    tiny.write(models / "ltxv.safetensors", whole | unused)
    from_file = load_vae(files=files, file="ltxv.safetensors")
    found = load_dit(files=files, file="ltxv.safetensors")
    later = version == "0.9.5"
    assert from_file.space == found.space == ("ltx-8-0.9.5" if later else "ltx-8")
    assert (from_file.stride, found.given) == ((8, 32, 32), "anywhere" if later else "first frame")
    require_same(network(found), tiny.weights(models / "ltx"))
    ours = network(from_file)
    require_same(ours, state)
    clip = torch.rand(1, 3, 9, 64, 64) * 2 - 1
    with torch.no_grad():
        latents = [each.encode(clip).latent_dist.mode() for each in (ours, vae)]
        level = torch.tensor([0.05]) if version != "0.9.0" else None
        frames = []
        for each in (ours, vae):
            torch.manual_seed(0)
            frames.append(each.decode(latents[1], level).sample)
    torch.testing.assert_close(*latents, atol=1e-5, rtol=0)
    torch.testing.assert_close(*frames, atol=1e-5, rtol=0)


def test_a_whole_clip_is_made_by_one_ltx_file(models: Path, files: Files) -> None:
    vae = {f"vae.{name}": tensor for name, tensor in
           tiny.in_layout(tiny.weights(models / "ltx", "vae"), ltx_layouts.VAE_095).items()}  # fmt: skip
    dit = tiny.in_layout(tiny.weights(models / "ltx"), ltx_layouts.NAMES)
    tiny.write(models / "all.safetensors", vae | {f"model.diffusion_model.{name}": one for name, one in dit.items()})
    folder, size = load_weights(files=files, model="ltx"), tiny.FAMILIES["ltx"].size
    alone = Components(
        folder.text_encoder, *(load(files=files, file="all.safetensors") for load in (load_dit, load_vae))
    )

    def clip(found: Components) -> Clip:
        return decode_latent(found.vae, made(found, size), ctx=Bench())

    ours, theirs = (torch.as_tensor(clip(each).frames).float() for each in (alone, folder))
    torch.testing.assert_close(ours, theirs, atol=1, rtol=0)


@pytest.mark.parametrize("name", ["ltx-video-2b-v0.9.safetensors", "ltx-video-2b-v0.9.1-q8.safetensors"])
def test_a_dit_of_ltx_alone_is_an_early_one_where_its_name_says_so(models: Path, files: Files, name: str) -> None:
    state = tiny.in_layout(tiny.weights(models / "ltx"), ltx_layouts.NAMES)
    tiny.write(models / name, state)
    assert load_dit(files=files, file=name).space == "ltx-8"
    tiny.write(models / "ltxv-2b-0.9.6.safetensors", state)
    assert load_dit(files=files, file="ltxv-2b-0.9.6.safetensors").space == "ltx-8-0.9.5"


@pytest.mark.parametrize("kind", ["2b", "5b", "5b image", "1.5", "1.5 image"])
def test_the_variant_of_cogvideox_is_told_by_the_shapes(models: Path, files: Files, kind: Any) -> None:
    torch.manual_seed(7)
    whole = tiny.cogvideox(kind).float()
    tiny.write(models / "cog.safetensors", dict(whole.state_dict()))
    dit = load_dit(files=files, file="cog.safetensors")
    assert dit.given == ("first frame" if kind.endswith("image") else "nowhere")
    assert dit.space == f"cogvideox-{1.15258426 if kind == '2b' else 0.7}{'-led' if kind.startswith('1.5') else ''}"
    ours = network(dit)
    require_same(ours, dict(whole.state_dict()))
    told = {name: value for name, value in whole.config.items() if not name.startswith("_")}
    assert {name: ours.config[name] for name in told} == told


def test_hunyuans_image_to_video_is_told_by_its_channels(models: Path, files: Files) -> None:
    state = dict(tiny.hunyuan(told=True).state_dict())
    tiny.write(models / "i2v.safetensors", tiny.in_layout(state, HUNYUAN))
    dit = load_dit(files=files, file="i2v.safetensors")
    assert (dit.given, dit.needs_given) == ("first frame", True)
    assert network(dit).config.image_condition_type == "latent_concat"
    require_same(network(dit), state)


REAL = {
    "LTX-Video 2B": (ltx_layouts, tiny.LTXVideoTransformer3DModel, {}),
    "LTX-Video 13B": (ltx_layouts, tiny.LTXVideoTransformer3DModel,
                      {"attention_head_dim": 128, "cross_attention_dim": 4096, "num_layers": 48}),
    "CogVideoX 2B": (cogvideox_layouts, tiny.CogVideoXTransformer3DModel, {}),
    "CogVideoX 5B": (cogvideox_layouts, tiny.CogVideoXTransformer3DModel,
                     {"num_attention_heads": 48, "num_layers": 42, "use_rotary_positional_embeddings": True}),
    "HunyuanVideo": (hunyuan_layouts, tiny.HunyuanVideoTransformer3DModel, {}),
    "FramePack": (framepack_layouts, HunyuanVideoFramepackTransformer3DModel,
                  {"has_image_proj": True, "has_clean_x_embedder": True}),
    "SkyReels-V2 DF 1.3B": (skyreels_layouts, SkyReelsV2Transformer3DModel,
                            {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30, "inject_sample_info": True,
                             "patch_size": [1, 2, 2]}),
    "SkyReels-V2 I2V 14B": (skyreels_layouts, SkyReelsV2Transformer3DModel,
                            {"num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40, "in_channels": 36,
                             "image_dim": 1280, "added_kv_proj_dim": 5120, "patch_size": [1, 2, 2]}),
    "Mochi": (mochi_layouts, tiny.MochiTransformer3DModel, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_the_shapes_of_the_makers_own_sizes_tell_their_config(name: str) -> None:
    layouts, kind, sizes = REAL[name]
    with torch.device("meta"):
        whole = kind(**sizes)
    shapes = {name: Shape("F32", tuple(one.shape)) for name, one in whole.state_dict().items()}
    told = layouts.transformer_config(shapes)
    with torch.device("meta"):
        configs = [{**one.config, "_use_default_values": None} for one in (kind(**told), whole)]
    assert configs[0] == {**configs[1], "out_channels": told["out_channels"]}


@pytest.mark.parametrize("rows", [False, True], ids=["one scale", "a scale a row"])
def test_scaled_float8_is_cut_with_its_scales(models: Path, files: Files, rows: bool) -> None:
    original = tiny.in_layout(tiny.weights(models / "hunyuan"), HUNYUAN)
    scaled, stands = {}, dict(original)
    for name, tensor in original.items():
        scaled[name] = tensor.bfloat16()
        if tensor.ndim == 2 and "_blocks." in name and name.endswith(".weight"):
            most = tensor.abs().amax(1) if rows else tensor.abs().max()
            scale = most / 448
            few = (tensor / (scale[:, None] if rows else scale)).to(torch.float8_e4m3fn)
            scaled |= {name: few, name.replace(".weight", ".scale_weight"): scale}
            stands[name] = few.float() * (scale[:, None] if rows else scale)
    tiny.write(models / "scaled.safetensors", scaled)
    ours = network(load_dit(files=files, file="scaled.safetensors"))
    few = {name: layer for name, layer in ours.named_modules() if isinstance(layer, StoredLinear)}
    assert "single_transformer_blocks.1.proj_mlp" in few
    for name, layer in few.items():
        assert torch.equal(layer.weight, converted(HUNYUAN, stands)[f"{name}.weight"].bfloat16())


def test_hunyuan_without_guidance_of_its_own_is_told_by_what_is_missing(models: Path, files: Files) -> None:
    tiny.write(models / "plain.safetensors", tiny.in_layout(dict(tiny.hunyuan(guidance=False).state_dict()), HUNYUAN))
    assert not network(load_dit(files=files, file="plain.safetensors")).config.guidance_embeds


@pytest.mark.parametrize(("family", "layout"), LAYOUTS)
def test_gguf_stays_in_its_few_bits_and_makes_what_these_stand_for(
    models: Path, files: Files, family: str, layout: str
) -> None:
    names, folder = tiny.FAMILIES[family].layouts[layout], load_weights(files=files, model=family)
    state = tiny.weights(models / family)
    stands = tiny.write_gguf(models / "few.gguf", tiny.in_layout(state, names))
    dit = load_dit(files=files, file="few.gguf")
    few = {name: layer for name, layer in network(dit).named_modules() if isinstance(layer, StoredLinear)}
    assert len(few) > 8
    assert {layer.stored.nbytes * 8 / (layer.out_features * layer.in_features) for layer in few.values()} == {8.5}
    whole = network(replace(dit, precision="float32")).state_dict()
    for name, tensor in converted(names, stands).items():
        bits = 0 if name.removesuffix(".weight") in few else 2**-8  # all else is held as bfloat16
        torch.testing.assert_close(whole[name], tensor, atol=1e-7, rtol=bits)
    size = tiny.FAMILIES[family].size
    assert 0 < difference(made(folder._replace(dit=dit), size), made(folder, size)) < 0.3


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_each_precision_runs_from_the_folder_and_from_a_file(models: Path, files: Files, family: str) -> None:
    size, dtypes = tiny.FAMILIES[family].size, {"float32": torch.float32, "bfloat16": torch.bfloat16}
    whole = load_weights(files=files, model=family)
    exact = made(whole, size)
    for precision in ("float32", "bfloat16", "float8 storage"):
        folder = load_weights(files=files, model=family, precision=precision)
        dit = load_dit(files=files, file=f"{family} diffusers.safetensors", precision=precision)
        latents = [made(found, size) for found in (folder, folder._replace(dit=dit))]
        assert difference(*latents) < 1e-5
        assert (difference(latents[0], exact) < 1e-5) == (precision == "float32")
        assert difference(latents[0], exact) < 1.0
        if precision in dtypes:
            assert network(dit).dtype == dtypes[precision]
        else:
            assert any(isinstance(layer, StoredLinear) for layer in network(dit).modules())


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_numbers_stay_as_a_folder_stores_them(models: Path, family: str, tmp_path: Path) -> None:
    folder = tiny.write_folder(tmp_path, family)
    tiny.FAMILIES[family].transformer().bfloat16().save_pretrained(folder / "transformer")
    assert network(components(folder).dit).dtype == torch.bfloat16


def lora(shape: torch.Size) -> tuple[Tensor, Tensor]:
    return torch.randn(RANK, shape[1]) / 8, torch.randn(shape[0], RANK)


@pytest.mark.parametrize(("family", "layout"), LAYOUTS)
@pytest.mark.parametrize("keys", ["diffusion_model.{}", "lora_unet_{}", "lora_unet__{}"])
def test_a_lora_in_a_layout_is_the_merge_by_hand_in_that_layout(
    models: Path, files: Files, family: str, layout: str, keys: str
) -> None:
    flat, names = keys.startswith("lora_unet"), tiny.FAMILIES[family].layouts[layout]
    state = tiny.weights(models / family)
    theirs, names, tensors = tiny.in_layout(state, names), names.ending(state), {}
    for layer in dict.fromkeys(names.theirs(layer) for layer in tiny.FAMILIES[family].layers):
        down, up = lora(theirs[f"{layer}.weight"].shape)
        spelt = keys.format(layer.replace(".", "_") if flat else layer)
        tensors |= {f"{spelt}.lora_down.weight": down, f"{spelt}.lora_up.weight": up}
        tensors[f"{spelt}.alpha"] = torch.tensor(ALPHA)
        theirs[f"{layer}.weight"] = theirs[f"{layer}.weight"] + 0.5 * ALPHA / RANK * up @ down
    tiny.write(models / "lora.safetensors", tensors)
    dit = load_lora(load_weights(files=files, model=family).dit, files=files, file="lora.safetensors", weight=0.5)
    assert any(not torch.equal(state[name], tensor) for name, tensor in converted(names, theirs).items())
    require_same(network(dit), converted(names, theirs), atol=1e-6)


@pytest.mark.filterwarnings("ignore:While injecting the PEFT adapters")
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_lora_of_peft_is_what_diffusers_makes_of_it(models: Path, files: Files, family: str) -> None:
    state, layers = tiny.weights(models / family), tiny.FAMILIES[family].layers
    pairs = {layer: lora(state[f"{layer}.weight"].shape) for layer in layers}
    tensors = {
        f"transformer.{layer}.lora_{side}.weight": pair[side == "B"] for layer, pair in pairs.items() for side in "AB"
    }
    tiny.write(models / "peft.safetensors", tensors)
    folder = load_weights(files=files, model=family).dit
    theirs = type(network(folder)).from_pretrained(models / family / "transformer")
    theirs.load_lora_adapter(tensors, prefix="transformer")
    theirs.fuse_lora()
    theirs.unload_lora()
    for base in (folder, load_dit(files=files, file=f"{family} diffusers.safetensors")):
        require_same(network(load_lora(base, files=files, file="peft.safetensors")), dict(theirs.state_dict()), 1e-5)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_lora_of_another_family_is_refused_while_wiring(models: Path, files: Files, family: str) -> None:
    def of(other: str) -> str:
        state = tiny.weights(models / other)
        layers = [name.removesuffix(".weight") for name, one in state.items() if one.ndim == 2 and "blocks." in name]
        pairs = {layer: lora(state[f"{layer}.weight"].shape) for layer in layers if f"{layer}.weight" in state}
        name = f"lora for {other}.safetensors"
        tiny.write(models / name, {
            f"transformer.{layer}.lora_{side}.weight": pair[side == "B"]
            for layer, pair in pairs.items() for side in "AB"
        })  # fmt: skip
        return name

    dit = load_weights(files=files, model=family).dit
    load_lora(dit, files=files, file=of(family))
    label = tiny.FAMILIES[family].label
    for other, known in tiny.FAMILIES.items():
        if other != family:
            said = rf"LoRA for .*{known.label}.*; this DiT is {label}. Choose a LoRA"
            with pytest.raises(WeightsRefused, match=said):
                load_lora(dit, files=files, file=of(other))


def test_names_that_no_model_has_get_a_sentence(models: Path, files: Files) -> None:
    state = tiny.in_layout(tiny.weights(models / "mochi"), MOCHI)
    for name, said in (
        ("blocks.0.attn.{a,b:9999999}~", "has blocks.0.attn.{a,b:9999999}~, which that one has not"),
        (f"blocks.{'9' * 5000}.mod_x.weight", "looks like a Mochi DiT"),
        ("blocks.70000000.mod_x.weight", "it has 4 transformer_blocks up to number 70000000"),
    ):
        tiny.write(models / "strange.safetensors", state | {name: torch.zeros(2, 2)})
        assert said in refused(files, load_dit, "strange.safetensors")


def refused(files: Files, load: Callable[..., DiT], name: str) -> str:
    with pytest.raises(WeightsRefused) as caught:
        loaded(load(files=files, file=name))
    return str(caught.value)


@pytest.mark.parametrize("family", ["hunyuan", "mochi"])
def test_damaged_and_mislabelled_files_get_a_sentence(models: Path, files: Files, family: str) -> None:
    names = tiny.FAMILIES[family].layouts["original"]
    state = tiny.in_layout(tiny.weights(models / family), names)
    fused = next(name for name in state if "qkv" in name and name.endswith("weight"))
    tiny.write(models / "odd.safetensors", state | {fused: state[fused][:-1]})
    assert "looks like a" in refused(files, load_dit, "odd.safetensors")
    less = {name: tensor for name, tensor in state.items() if "proj" not in name or "final" in name or "t5_y" in name
            or "img_in" in name or "x_embedder" in name}  # fmt: skip
    tiny.write(models / "less.safetensors", less)
    assert "lacks" in refused(files, load_dit, "less.safetensors")
    assert "needs a video VAE of Wan, LTX-Video" in refused(files, load_vae, f"{family} original.safetensors")
    whole = (models / f"{family} original.safetensors").read_bytes()
    (models / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    assert refused(files, load_dit, "short.safetensors")
