"""Text encoders and video VAEs of LTX-Video, CogVideoX, HunyuanVideo and Mochi in files of their own."""

from collections.abc import Callable
from pathlib import Path
from shutil import copyfile, copytree
from typing import Any

import gguf
import numpy as np
import pytest
import tiny_cogvideox
import tiny_family_files as tiny
import tiny_files
import tiny_hunyuan
import tiny_wan
import torch
from bench import Bench, loaded
from diffusers import AutoencoderKLCogVideoX, AutoencoderKLHunyuanVideo, AutoencoderKLMochi
from parity import PROMPT
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, LlamaConfig, LlamaModel, T5Config, T5EncoderModel

from assets.files import Files
from assets.values import Clip, Conditioning, Latent, ModelHandle, Text
from assets.weight_files import WeightsRefused
from assets.weight_headers import Tensor as Shape
from nodes.dit.nodes import sample
from nodes.families.cogvideox import layouts as cogvideox_layouts
from nodes.families.formats import t5
from nodes.families.hunyuan import layouts as hunyuan_layouts
from nodes.families.mochi import layouts as mochi_layouts
from nodes.families.nodes import load_text_encoder, load_vae, load_weights
from nodes.families.registry import Components
from nodes.models.nodes import load_dit
from nodes.patches.nodes import noise_patches, unpatchify
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import decode_latent

pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast")
BY_T5 = ("ltx", "cogvideox", "mochi")
FAMILIES = (*BY_T5, "hunyuan")
TEXT = ("text_encoder", "text_encoder_2")


def hunyuan_vae() -> AutoencoderKLHunyuanVideo:
    """As wide as its normalisation's groups need it."""
    return AutoencoderKLHunyuanVideo(
        latent_channels=4, down_block_types=("HunyuanVideoDownBlock3D",) * 4,
        up_block_types=("HunyuanVideoUpBlock3D",) * 4, block_out_channels=(32,) * 4, layers_per_block=1,
    )  # fmt: skip


def cogvideox_vae() -> AutoencoderKLCogVideoX:
    return AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(32,) * 4, latent_channels=4, layers_per_block=1, scaling_factor=0.7,
    )  # fmt: skip


def mochi_vae() -> AutoencoderKLMochi:
    """With as many layers as the makers count through."""
    return AutoencoderKLMochi(encoder_block_out_channels=(32,) * 4, decoder_block_out_channels=(32,) * 4)


def llama() -> LlamaModel:
    """Of LLaMA 3's settings, with a head of its width."""
    words = len(tiny_hunyuan.llama_tokenizer())
    return LlamaModel(
        LlamaConfig(
            vocab_size=words, hidden_size=128, intermediate_size=48, num_hidden_layers=4, num_attention_heads=1,
            num_key_value_heads=1, rms_norm_eps=1e-5, rope_theta=500000.0, max_position_embeddings=8192,
        )
    )  # fmt: skip


def clip() -> CLIPTextModel:
    letters = tiny_hunyuan.clip_tokenizer()
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(letters), hidden_size=64, intermediate_size=48, num_attention_heads=1, num_hidden_layers=2,
            bos_token_id=letters.bos_token_id, eos_token_id=letters.eos_token_id,
        )
    )  # fmt: skip


def comfy_text(folder: Path, part: str) -> dict[str, Tensor]:
    """A text encoder's weights by the names that ComfyUI's files have."""
    state = tiny.weights(folder, part)
    if "embed_tokens.weight" in state:
        return {f"model.{name}": one for name, one in state.items()} | {"lm_head.weight": torch.zeros(2, 2)}
    if "embeddings.token_embedding.weight" in state:
        around = {"logit_scale": torch.ones(1), "text_projection.weight": torch.zeros(2, 2)}
        return {f"text_model.{name}": one for name, one in state.items()} | around
    return {name: one for name, one in state.items() if name != "encoder.embed_tokens.weight"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For each family a folder, and "<family> <part>.safetensors" with its parts; tokenizers beside these."""
    root = tmp_path_factory.mktemp("models")
    for name in FAMILIES:
        folder = tiny.write_folder(root, name)
        torch.manual_seed(8)
        if name == "hunyuan":
            llama().save_pretrained(folder / "text_encoder")
            clip().save_pretrained(folder / "text_encoder_2")
            tiny.HunyuanVideoTransformer3DModel(
                in_channels=4, out_channels=4, num_attention_heads=1, attention_head_dim=128, num_layers=1,
                num_single_layers=1, num_refiner_layers=1, text_embed_dim=128, pooled_projection_dim=64,
            ).save_pretrained(folder / "transformer")  # fmt: skip
        if name in VAES:
            VAES[name]().save_pretrained(folder / "vae")
        for part in ("transformer", "vae"):
            tiny.write(root / f"{name} {part}.safetensors", tiny.weights(folder, part))
        for part in TEXT:
            if (folder / part).is_dir():
                tiny.write(root / f"{name} {part}.safetensors", comfy_text(folder, part))
    copytree(root / "ltx" / "tokenizer", root / "t5_tokenizer")
    copytree(root / "hunyuan" / "tokenizer", root / "llama_tokenizer")
    copytree(root / "hunyuan" / "tokenizer_2", root / "clip_tokenizer")
    copytree(tiny_wan.folder(), root / "wan")
    return root


VAES: dict[str, Callable[[], Any]] = {"hunyuan": hunyuan_vae, "cogvideox": cogvideox_vae, "mochi": mochi_vae}


@pytest.fixture(scope="module")
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def from_files(files: Files, family: str) -> Components:
    """A whole model of files alone."""
    dit = load_dit(files=files, file=f"{family} transformer.safetensors")
    second = "hunyuan text_encoder_2.safetensors" if family == "hunyuan" else ""
    text = load_text_encoder(dit, files=files, file=f"{family} text_encoder.safetensors", second=second)
    return Components(text, dit, load_vae(dit, files=files, file=f"{family} vae.safetensors"))


def require_alike(one: Conditioning, other: Conditioning) -> None:
    assert (one.encoder, one.words) == (other.encoder, other.words)
    for name in ("embeds", "null"):
        torch.testing.assert_close(*(torch.as_tensor(getattr(each, name)) for each in (one, other)), atol=1e-6, rtol=0)
    assert one.extras.keys() == other.extras.keys()
    for name, rows in one.extras.items():
        torch.testing.assert_close(torch.as_tensor(rows), torch.as_tensor(other.extras[name]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_encoder_in_files_reads_as_the_folders_does(files: Files, family: str) -> None:
    ours, theirs = from_files(files, family).text_encoder, load_weights(files=files, model=family).text_encoder
    assert (ours.encoder, ours.max_tokens, ours.dim) == (theirs.encoder, theirs.max_tokens, theirs.dim)
    for text in ("", PROMPT):
        read = [encode_text(each, Text(text), ctx=Bench()) for each in (ours, theirs)]
        require_alike(*read)
    assert float(torch.as_tensor(read[0].embeds).abs().max()) > 0.1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_video_vae_in_a_file_makes_what_the_folders_makes(files: Files, family: str) -> None:
    ours, theirs = from_files(files, family).vae, load_weights(files=files, model=family).vae
    assert (ours.space, ours.stride, ours.channels, ours.lead) == (
        theirs.space, theirs.stride, theirs.channels, theirs.lead,
    )  # fmt: skip
    size = tiny.FAMILIES[family].size
    pixels = torch.rand(1, 3, size["frames"], size["height"], size["width"]) * 2 - 1
    with torch.no_grad():
        latents = [loaded(each).encode(pixels) for each in (ours, theirs)]
        clips = [torch.cat(list(loaded(each).decode_chunks([latents[1]])), dim=2) for each in (ours, theirs)]
    torch.testing.assert_close(*latents, atol=1e-6, rtol=0)
    torch.testing.assert_close(*clips, atol=1e-6, rtol=0)
    assert float(clips[0].std()) > 0.01


@pytest.mark.parametrize("family", FAMILIES)
def test_a_clip_is_made_of_files_alone(files: Files, family: str) -> None:
    size = tiny.FAMILIES[family].size

    def made(found: Components) -> tuple[Latent, Clip]:
        text = encode_text(found.text_encoder, Text(PROMPT), ctx=Bench())
        canvas = noise_patches(found.dit, found.vae, **size)
        asked = {"steps": 2, "guidance": 3.0, "sampler": "euler", "shift": 0}
        latent = unpatchify(sample(found.dit, canvas, text, None, ctx=Bench(), **asked).patches)
        return latent, decode_latent(found.vae, latent, ctx=Bench())

    (ours, clip), (theirs, other) = made(from_files(files, family)), made(load_weights(files=files, model=family))
    torch.testing.assert_close(torch.as_tensor(ours.data), torch.as_tensor(theirs.data), atol=1e-5, rtol=0)
    assert np.abs(clip.frames.astype(int) - other.frames.astype(int)).max() <= 1


def test_llama_in_scaled_float8_reads_as_the_numbers_that_it_stands_for(models: Path, files: Files) -> None:
    state, scaled = tiny.weights(models / "hunyuan", "text_encoder"), {"scaled_fp8": torch.zeros(2)}
    stands = {name: one.bfloat16() for name, one in state.items()}
    for name, tensor in state.items():
        scaled[f"model.{name}"] = tensor.bfloat16()
        if name.endswith("_proj.weight"):
            scale = tensor.abs().max() / 448
            few = (tensor / scale).to(torch.float8_e4m3fn)
            scaled |= {f"model.{name}": few, f"model.{name.replace('.weight', '.scale_weight')}": scale}
            stands[name] = (few.float() * scale).bfloat16()
    tiny.write(models / "llava_llama3_fp8_scaled.safetensors", scaled)
    tiny.write(models / "stands.safetensors", {f"model.{name}": one for name, one in stands.items()})
    read = [
        encode_text(load_text_encoder(files=files, file=name, second="hunyuan text_encoder_2.safetensors"),
                    Text(PROMPT), ctx=Bench())
        for name in ("llava_llama3_fp8_scaled.safetensors", "stands.safetensors")
    ]  # fmt: skip
    require_alike(*read)


@pytest.mark.parametrize("name", ["t5", "umt5"])
def test_a_text_encoder_in_gguf_reads_as_the_numbers_that_it_stands_for(models: Path, files: Files, name: str) -> None:
    family = {"t5": "ltx", "umt5": "wan"}[name]
    state = comfy_text(models / family, "text_encoder")
    llama_cpp = gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5, 2)
    few: dict[str, Any] = {}
    stands, kind = dict(state), gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(models / f"{name}.gguf", "t5")
    for ours, tensor in state.items():
        theirs = f"{llama_cpp.get_name(ours.removesuffix('.weight'))}.weight"
        assert t5.GGUF.ours(theirs) == ours
        if tensor.ndim == 2 and tensor.shape[1] % 32 == 0:
            few[theirs] = gguf.quants.quantize(tensor.numpy(), kind)
            stands[ours] = torch.from_numpy(gguf.quants.dequantize(few[theirs], kind))
            writer.add_tensor(theirs, few[theirs], raw_dtype=kind)
        else:
            writer.add_tensor(theirs, tensor.numpy())
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    tiny.write(models / f"{name} stands.safetensors", stands)
    dit = load_weights(files=files, model=family).dit
    read = [
        encode_text(load_text_encoder(dit, files=files, file=file, tokenizer=family, precision="float32"),
                    Text(PROMPT), ctx=Bench())
        for file in (f"{name}.gguf", f"{name} stands.safetensors")
    ]  # fmt: skip
    for rows in zip(*((each.embeds, each.null) for each in read), strict=True):
        torch.testing.assert_close(*map(torch.as_tensor, rows), atol=1e-2, rtol=1e-2)  # norms are held as bfloat16


def llama_cpp_order(weight: Tensor, heads: int) -> Tensor:
    """Rows of queries and keys as llama.cpp's conversion of LLaMA puts them (convert_hf_to_gguf.py, permute)."""
    return weight.reshape(heads, 2, len(weight) // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


@pytest.mark.parametrize("heads", [(1, 1), (2, 1)])
def test_llama_in_gguf_reads_as_the_numbers_that_it_stands_for(
    models: Path, files: Files, tmp_path: Path, heads: tuple[int, int]
) -> None:
    config = llama().config
    config.num_attention_heads, config.num_key_value_heads, config.hidden_size = *heads, 128 * heads[0]
    state = {name: one.clone() for name, one in LlamaModel(config).state_dict().items()}
    names, kind = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 4), gguf.GGMLQuantizationType.Q8_0
    stands = dict(state)
    writer = gguf.GGUFWriter(models / "llama.gguf", "llama")
    for ours, tensor in (state | {"lm_head.weight": torch.zeros(4, 128)}).items():
        spelt = ours if ours.startswith("lm_head") else f"model.{ours}"
        theirs = f"{names.get_name(spelt.removesuffix('.weight'))}.weight"
        of = {"q_proj.weight": heads[0], "k_proj.weight": heads[1]}.get(ours.rpartition("self_attn.")[2])
        turned = llama_cpp_order(tensor, of) if of else tensor
        if tensor.ndim == 2 and tensor.shape[1] % 32 == 0:
            few = gguf.quants.quantize(turned.numpy(), kind)
            writer.add_tensor(theirs, few, raw_dtype=kind)
            numbers = torch.from_numpy(gguf.quants.dequantize(few, kind))
            back = numbers.reshape(of, 64, 2, -1).swapaxes(1, 2).reshape(tensor.shape) if of else numbers
            assert float((back - tensor).abs().max()) < 0.01
            stands[ours] = back
        else:
            writer.add_tensor(theirs, turned.numpy())
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    stands.pop("lm_head.weight")
    tiny.write(models / "llama stands.safetensors", {f"model.{name}": one for name, one in stands.items()})
    second = "hunyuan text_encoder_2.safetensors"
    handles = [
        load_text_encoder(files=files, file=file, second=second, precision="float32")
        for file in ("llama.gguf", "llama stands.safetensors")
    ]
    ours, theirs = (loaded(each).encoder.state_dict() for each in handles)
    assert ours.keys() == theirs.keys()
    for name, one in theirs.items():  # what is not in few bits is held as bfloat16
        torch.testing.assert_close(ours[name], one, atol=1e-6, rtol=0 if "_attn" in name else 1e-2, msg=name)
    read = [torch.as_tensor(encode_text(each, Text(PROMPT), ctx=Bench()).embeds) for each in handles]
    torch.testing.assert_close(*read, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("precision", ["float8 storage", "bfloat16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_encoder_in_a_file_is_held_in_few_bits_as_the_folders_is(
    files: Files, family: str, precision: Any
) -> None:
    dit = load_weights(files=files, model=family).dit
    second = "hunyuan text_encoder_2.safetensors" if family == "hunyuan" else ""
    few = load_text_encoder(
        dit, files=files, file=f"{family} text_encoder.safetensors", second=second, precision=precision
    )
    folder = load_weights(files=files, model=family, precision=precision).text_encoder
    require_alike(*(encode_text(each, Text(PROMPT), ctx=Bench()) for each in (few, folder)))


@pytest.mark.parametrize("family", BY_T5)
def test_a_tokenizer_may_lie_within_the_file_beside_it_or_in_a_folder_that_is_named(
    models: Path, files: Files, tmp_path: Path, family: str
) -> None:
    dit = load_weights(files=files, model=family).dit
    state, pieces = comfy_text(models / family, "text_encoder"), models / family / "tokenizer" / "spiece.model"
    elsewhere = Files((tmp_path,), tmp_path, (tmp_path, models))
    tiny.write(tmp_path / "bare.safetensors", state)
    with pytest.raises(WeightsRefused, match=r"without its tokenizer; needs a folder t5_tokenizer .* or a file spiece"):
        load_text_encoder(dit, files=elsewhere, file="bare.safetensors")
    named = [load_text_encoder(dit, files=elsewhere, file="bare.safetensors", tokenizer=name)
             for name in ("t5_tokenizer", family)]  # fmt: skip
    whole = torch.from_numpy(np.frombuffer(pieces.read_bytes(), np.uint8).copy())
    tiny.write(tmp_path / "whole.safetensors", state | {"spiece_model": whole})
    within = load_text_encoder(dit, files=elsewhere, file="whole.safetensors")
    copyfile(pieces, tmp_path / "spiece.model")
    beside = load_text_encoder(dit, files=elsewhere, file="bare.safetensors")
    theirs = encode_text(load_weights(files=files, model=family).text_encoder, Text(PROMPT), ctx=Bench())
    for handle in (*named, within, beside):
        require_alike(encode_text(handle, Text(PROMPT), ctx=Bench()), theirs)


def test_a_tokenizer_of_another_text_encoder_is_refused_when_both_are_opened(models: Path, files: Files) -> None:
    dit = load_weights(files=files, model="ltx").dit
    (models / "letters").mkdir()
    copytree(models / "clip_tokenizer", models / "letters" / "t5_tokenizer")
    handle = load_text_encoder(dit, files=files, file="ltx text_encoder.safetensors", tokenizer="letters")
    with pytest.raises(WeightsRefused, match=r"knows 514 words, ltx text_encoder.safetensors 128; needs the tokenizer"):
        loaded(handle)


def refused(load: Callable[[], ModelHandle]) -> str:
    with pytest.raises(WeightsRefused) as caught:
        load()
    return str(caught.value)


def test_a_t5_needs_the_dit_that_it_reads_for(models: Path, files: Files) -> None:
    file = "ltx text_encoder.safetensors"
    dits = {name: load_weights(files=files, model=name).dit for name in (*FAMILIES, "wan")}
    assert "there is no DiT. Wire its DiT" in refused(lambda: load_text_encoder(files=files, file=file))
    for other in ("wan", "hunyuan"):
        said = refused(lambda other=other: load_text_encoder(dits[other], files=files, file=file))  # type: ignore[misc]
        assert "holds a T5, which LTX-Video, CogVideoX and Mochi read by" in said
    wide = T5EncoderModel(T5Config(vocab_size=128, d_model=48, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
                                   feed_forward_proj="gated-gelu"))  # fmt: skip
    tiny.write(models / "wide.safetensors", {**wide.state_dict()})
    said = refused(lambda: load_text_encoder(dits["mochi"], files=files, file="wide.safetensors"))
    assert "makes rows of 48; this DiT reads rows of 32" in said
    tiny_files.write(models / "umt5.safetensors", tiny_files.text_state(models / "wan"))
    assert "reads for 'wan'; this DiT (Mochi) needs 'mochi'" in refused(
        lambda: load_text_encoder(dits["mochi"], files=files, file="umt5.safetensors")
    )


def test_hunyuan_needs_both_of_its_text_encoders_each_in_its_place(files: Files) -> None:
    llama_file, clip_file = (f"hunyuan {part}.safetensors" for part in TEXT)

    def said(file: str, second: str) -> str:
        return refused(lambda: load_text_encoder(files=files, file=file, second=second))

    assert "needs the other too: choose CLIP's file" in said(llama_file, "")
    assert "holds a HunyuanVideo second text encoder; it needs a text encoder" in said(clip_file, llama_file)
    assert "needs a second text encoder of HunyuanVideo" in said(llama_file, llama_file)
    dit = load_weights(files=files, model="ltx").dit
    assert "takes no second file" in refused(
        lambda: load_text_encoder(dit, files=files, file="ltx text_encoder.safetensors", second=clip_file)
    )


@pytest.mark.parametrize("kind", ["2b", "5b", "1.5"])
def test_cogvideox_scales_by_the_dit_that_its_vae_is_for(models: Path, files: Files, kind: Any) -> None:
    folder = models / f"cogvideox {kind}"
    tiny_cogvideox.write(folder, kind)
    vae = cogvideox_vae()
    vae.register_to_config(scaling_factor=1.15258426 if kind == "2b" else 0.7)
    vae.load_state_dict(tiny.weights(models / "cogvideox", "vae"))
    vae.save_pretrained(folder / "vae")
    found = load_weights(files=files, model=folder.name)
    ours = load_vae(found.dit, files=files, file="cogvideox vae.safetensors")
    assert (ours.space, ours.lead) == (found.vae.space, found.vae.lead)
    pixels = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    with torch.no_grad():
        latents = [loaded(each).encode(pixels) for each in (ours, found.vae)]
    torch.testing.assert_close(*latents, atol=1e-6, rtol=0)
    assert "it needs the DiT that it is for" in refused(lambda: load_vae(files=files, file="cogvideox vae.safetensors"))


def test_a_vae_for_another_dit_is_refused(files: Files) -> None:
    dit = load_weights(files=files, model="ltx").dit
    assert "holds a Mochi video VAE; this DiT is LTX-Video" in refused(
        lambda: load_vae(dit, files=files, file="mochi vae.safetensors")
    )


def test_mochis_vae_is_read_by_the_makers_names(models: Path, files: Files) -> None:
    state = tiny.weights(models / "mochi", "vae")
    original = tiny.in_layout(state, mochi_layouts.VAE)
    for theirs, ours in (
        ("encoder.layers.0.weight", "encoder.proj_in.weight"),
        ("encoder.layers.3.stack.5.bias", "encoder.block_in.resnets.2.conv2.conv.bias"),
        ("encoder.layers.6.layers.0.weight", "encoder.down_blocks.2.conv_in.conv.weight"),
        ("encoder.layers.6.layers.6.stack.0.weight", "encoder.down_blocks.2.resnets.5.norm1.norm_layer.weight"),
        ("encoder.layers.9.attn_block.norm.bias", "encoder.block_out.norms.2.norm_layer.bias"),
        ("encoder.output_norm.weight", "encoder.norm_out.norm_layer.weight"),
        ("decoder.blocks.0.0.weight", "decoder.conv_in.weight"),
        ("decoder.blocks.1.blocks.5.stack.2.weight", "decoder.up_blocks.0.resnets.5.conv1.conv.weight"),
        ("decoder.blocks.3.proj.bias", "decoder.up_blocks.2.proj.bias"),
        ("decoder.blocks.4.2.stack.3.weight", "decoder.block_out.resnets.2.norm2.norm_layer.weight"),
    ):
        assert torch.equal(original[theirs], state[ours])
    attention = "encoder.down_blocks.0.attentions.1"
    fused = torch.cat([state[f"{attention}.to_{one}.weight"] for one in "qkv"])
    assert torch.equal(original["encoder.layers.4.layers.2.attn_block.attn.qkv.weight"], fused)
    tiny.write(models / "mochi_vae.safetensors", original)
    ours = loaded(load_vae(files=files, file="mochi_vae.safetensors")).vae
    for name, one in loaded(load_weights(files=files, model="mochi").vae).vae.state_dict().items():
        assert torch.equal(ours.state_dict()[name], one), name


def write_halves(models: Path, folder: Path) -> Path:
    """The makers' own files: the names of either half begin where it begins."""
    original = tiny.in_layout(tiny.weights(models / "mochi", "vae"), mochi_layouts.VAE)
    folder.mkdir()
    for half in ("encoder", "decoder"):
        state = {name.removeprefix(f"{half}."): one for name, one in original.items() if name.startswith(half)}
        tiny.write(folder / f"{half}.safetensors", state)
    return folder / "decoder.safetensors"


def test_mochis_decoder_and_encoder_in_files_of_their_own_are_its_vae(models: Path, files: Files) -> None:
    write_halves(models, models / "halves")
    ours, theirs = (
        load_vae(files=files, file="halves/decoder.safetensors"),
        load_weights(files=files, model="mochi").vae,
    )
    assert (ours.space, ours.stride, ours.channels) == (theirs.space, theirs.stride, theirs.channels)
    parts = [loaded(each).vae.state_dict() for each in (ours, theirs)]
    assert parts[0].keys() == parts[1].keys()
    assert all(torch.equal(one, parts[1][name]) for name, one in parts[0].items())
    pixels = torch.rand(1, 3, 7, 32, 48) * 2 - 1
    with torch.no_grad():
        latents = [loaded(each).encode(pixels) for each in (ours, theirs)]
        clips = [torch.cat(list(loaded(each).decode_chunks([latents[1]])), dim=2) for each in (ours, theirs)]
    assert torch.equal(*latents)
    assert torch.equal(*clips)
    assert "choose the file of its decoder" in refused(lambda: load_vae(files=files, file="halves/encoder.safetensors"))


def test_mochis_decoder_alone_decodes_and_says_what_it_lacks_to_encode(models: Path, files: Files) -> None:
    decoder = write_halves(models, models / "alone")
    whole = load_vae(files=files, file="alone/decoder.safetensors")
    loaded(whole)
    (decoder.parent / "encoder.safetensors").unlink()
    alone = load_vae(files=files, file="alone/decoder.safetensors")
    assert alone.digest != whole.digest
    with torch.no_grad():
        latent = torch.randn(1, 12, 2, 4, 6)
        clips = [torch.cat(list(loaded(each).decode_chunks([latent])), dim=2) for each in (whole, alone)]
    assert torch.equal(*clips)
    with pytest.raises(WeightsRefused, match=r"encoder\.safetensors beside decoder"):
        loaded(alone).encode(torch.zeros(1, 3, 7, 32, 48))


XXL = T5Config(vocab_size=32128, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64,
               feed_forward_proj="gated-gelu")  # fmt: skip
LLAMA_3 = LlamaConfig(vocab_size=128320, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
                      num_attention_heads=32, num_key_value_heads=8, rms_norm_eps=1e-5, rope_theta=500000.0,
                      max_position_embeddings=8192)  # fmt: skip
VIT_L = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12, num_hidden_layers=12)


def half(config: Callable[..., dict[str, Any]], name: str) -> Callable[..., dict[str, Any]]:
    """What a half tells of the whole, by itself."""

    def told(shapes: dict[str, Shape]) -> dict[str, Any]:
        made = config({each: one for each, one in shapes.items() if each.startswith(name)})
        assert made.pop("half") == name
        return made

    return told


REAL: dict[str, tuple[Callable[[], Any], Callable[..., dict[str, Any]]]] = {
    "T5 XXL": (lambda: T5EncoderModel(XXL), t5.text_config),
    "LLaMA 3": (lambda: LlamaModel(LLAMA_3), hunyuan_layouts.text_config),
    "CLIP L": (lambda: CLIPTextModel(VIT_L), hunyuan_layouts.clip_config),
    "HunyuanVideo's VAE": (AutoencoderKLHunyuanVideo, hunyuan_layouts.vae_config),
    "CogVideoX's VAE": (AutoencoderKLCogVideoX, cogvideox_layouts.vae_config),
    "Mochi's VAE": (AutoencoderKLMochi, mochi_layouts.vae_config),
    "Mochi's decoder": (AutoencoderKLMochi, half(mochi_layouts.decoder_config, "decoder")),
    "Mochi's encoder": (AutoencoderKLMochi, half(mochi_layouts.encoder_config, "encoder")),
}


@pytest.mark.parametrize("name", REAL)
def test_the_shapes_of_the_makers_own_sizes_tell_their_config(name: str) -> None:
    build, config = REAL[name]
    with torch.device("meta"):
        whole = build()
    told = config({name: Shape("F32", tuple(one.shape)) for name, one in whole.state_dict().items()})
    real = whole.config.to_dict() if hasattr(whole.config, "to_dict") else dict(whole.config)
    real |= {"rope_theta": 500000.0} if "rope_theta" in told else {}
    real |= {"eos_token_id": told["eos_token_id"]} if "eos_token_id" in told else {}
    assert {name: real[name] if not isinstance(real[name], tuple) else list(real[name]) for name in told} == told
