"""Single files of real weights: whatever their layout, they make what the diffusers folder makes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
import tiny_files
import torch
from bench import Bench, loaded
from parity import PROMPT, SIZE
from safetensors.torch import load_file

from assets.codec import content_digest
from assets.files import Files
from assets.values import Latent, Text
from assets.weight_files import WeightsRefused
from nodes.dit.nodes import sample
from nodes.families.formats.loading import load_part
from nodes.families.formats.names import Names
from nodes.families.formats.precision import store_as_float8
from nodes.families.formats.stored import StoredLinear
from nodes.families.nodes import load_text_encoder, load_vae, load_weights
from nodes.families.registry import Components, components
from nodes.families.wan.layouts import NAMES, VAE
from nodes.models.nodes import load_dit
from nodes.patches.nodes import noise_patches
from nodes.patches.nodes import unpatchify as unpatchify_node
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import decode_latent


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder: "wan" is a diffusers folder, beside it the same weights in files."""
    root = tmp_path_factory.mktemp("models")
    folder = tiny_files.write_folder(root / "wan")
    state = weights(folder, "transformer")
    original = tiny_files.original_transformer(state)
    tiny_files.write(root / "original.safetensors", original)
    tiny_files.write(root / "comfy.safetensors", original, "model.diffusion_model.")
    tiny_files.write(root / "diffusers.safetensors", state)
    tiny_files.write(root / "vae.safetensors", tiny_files.original_vae(weights(folder, "vae")))
    tiny_files.write(root / "vae diffusers.safetensors", weights(folder, "vae"))
    tiny_files.write(root / "text.safetensors", tiny_files.text_state(folder))
    return root


@pytest.fixture(scope="module")
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def weights(folder: Path, part: str) -> dict[str, torch.Tensor]:
    return load_file(next((folder / part).glob("*.safetensors")))


def made(models: Components) -> Latent:
    text = encode_text(models.text_encoder, Text(PROMPT), ctx=Bench())
    canvas = noise_patches(models.dit, models.vae, **SIZE)
    result = sample(models.dit, canvas, text, None, ctx=Bench(), steps=2, guidance=3.0, sampler="euler", shift=0)
    return unpatchify_node(result.patches)


def network(handle: Any) -> torch.nn.Module:
    return loaded(handle).experts[0]


def require_same(one: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    torch.testing.assert_close(dict(one.state_dict()), state, atol=0, rtol=0)


@pytest.mark.parametrize("dit", ["original", "comfy", "diffusers"])
@pytest.mark.parametrize("vae", ["vae", "vae diffusers"])
def test_files_make_what_the_folder_makes(models: Path, files: Files, dit: str, vae: str) -> None:
    from_files = Components(
        load_text_encoder(files=files, file="text.safetensors"),
        load_dit(files=files, file=f"{dit}.safetensors"),
        load_vae(files=files, file=f"{vae}.safetensors"),
    )
    from_folder = load_weights(files=files, model="wan")
    ours, theirs = made(from_files), made(from_folder)
    assert float(torch.as_tensor(theirs.data).std()) > 0.1
    torch.testing.assert_close(ours.data, theirs.data, atol=1e-5, rtol=0)
    require_same(network(from_files.dit), weights(models / "wan", "transformer"))
    frames = [decode_latent(each.vae, theirs, ctx=Bench()).frames for each in (from_files, from_folder)]
    torch.testing.assert_close(*map(torch.as_tensor, frames), atol=0, rtol=0)


def test_a_sharded_folder_makes_what_a_whole_one_makes(models: Path) -> None:
    folder = tiny_files.write_folder(models / "sharded")
    whole = weights(folder, "transformer")
    for file in (folder / "transformer").glob("*.safetensors"):
        file.unlink()
    made = tiny_files.transformer()
    made.load_state_dict(whole)
    made.save_pretrained(folder / "transformer", max_shard_size="400KB")
    shards = sorted((folder / "transformer").glob("*.safetensors"))
    assert len(shards) > 1
    require_same(network(components(folder).dit), whole)
    shards[0].unlink()
    with pytest.raises(WeightsRefused, match=rf"has {len(shards) - 1} of the {len(shards)} files of its transformer"):
        components(folder)


def test_the_names_of_an_image_to_video_dit_are_turned_as_diffusers_turns_them() -> None:
    more = {"image_dim": 24, "added_kv_proj_dim": 128, "in_channels": 36, "pos_embed_seq_len": 514}
    ours = tiny_files.transformer(**more).state_dict()
    for name, tensor in tiny_files.original_transformer(ours).items():
        assert ours[NAMES.ours(name)] is tensor


def test_two_names_that_trade_places_do_so_in_both_directions() -> None:
    names = Names((("q", "to_q"),), swapped=("norm2", "norm3"))
    assert names.ours("blocks.0.norm3.q.weight") == "blocks.0.norm2.to_q.weight"
    assert names.theirs(names.ours("blocks.0.norm2.weight")) == "blocks.0.norm2.weight"


def test_the_names_in_the_video_vae_of_wan_2_2_are_diffusers() -> None:
    assert (
        VAE.ours("encoder.downsamples.1.downsamples.0.residual.2.weight")
        == "encoder.down_blocks.1.resnets.0.conv1.weight"
    )
    assert (
        VAE.ours("encoder.downsamples.1.downsamples.2.time_conv.bias")
        == "encoder.down_blocks.1.downsampler.time_conv.bias"
    )
    assert (
        VAE.ours("decoder.upsamples.2.upsamples.0.shortcut.bias") == "decoder.up_blocks.2.resnets.0.conv_shortcut.bias"
    )
    assert (
        VAE.ours("decoder.upsamples.0.upsamples.3.resample.1.bias") == "decoder.up_blocks.0.upsampler.resample.1.bias"
    )


def test_the_variant_is_told_by_the_shapes(models: Path, files: Files) -> None:
    sizes = {"in_channels": 36, "image_dim": 24, "added_kv_proj_dim": 128}
    state = tiny_files.original_transformer(tiny_files.transformer(**sizes).state_dict())
    tiny_files.write(models / "i2v.safetensors", state, "model.diffusion_model.")
    dit = load_dit(files=files, file="i2v.safetensors")
    assert (dit.given, dit.needs_given, dit.images, dit.space) == ("first frame", True, 1, "wan-16")
    assert network(dit).config.added_kv_proj_dim == 128
    state = tiny_files.original_transformer(tiny_files.transformer(in_channels=48, out_channels=48).state_dict())
    tiny_files.write(models / "5b.safetensors", state)
    dit = load_dit(files=files, file="5b.safetensors")
    assert (dit.given, dit.space, dit.channels) == ("anywhere", "wan-48", 48)


def test_two_experts_from_two_files_are_those_of_the_folder(models: Path, files: Files) -> None:
    torch.manual_seed(8)
    other = tiny_files.transformer()
    folder = tiny_files.write_folder(models / "experts", transformer_2=other, boundary_ratio=0.875)
    tiny_files.write(models / "low.safetensors", tiny_files.original_transformer(dict(other.state_dict())))
    pair = load_dit(files=files, file="original.safetensors", second="low.safetensors")
    both, alone = loaded(pair), load_dit(files=files, file="original.safetensors")
    for one, two in zip(both.experts, loaded(components(folder).dit).experts, strict=True):
        require_same(one, dict(two.state_dict()))
    assert both.boundary == 0.875
    assert content_digest(pair) != content_digest(alone)
    state = tiny_files.original_transformer(tiny_files.transformer(in_channels=48, out_channels=48).state_dict())
    tiny_files.write(models / "5b.safetensors", state)
    with pytest.raises(WeightsRefused, match=r"5b.safetensors has in_channels 48, original.safetensors has 16"):
        load_dit(files=files, file="original.safetensors", second="5b.safetensors")


@pytest.mark.parametrize(("kind", "bits"), [("Q8_0", 8.5), ("Q4_0", 4.5)])
def test_gguf_stays_in_its_few_bits_and_is_restored_as_its_makers_restore_it(
    models: Path, files: Files, kind: str, bits: float
) -> None:
    original = load_file(models / "original.safetensors")
    tiny_files.write_gguf(models / f"{kind}.gguf", original, kind)
    dit = load_dit(files=files, file=f"{kind}.gguf")
    layer = network(dit).blocks[0].attn1.to_q
    assert isinstance(layer, StoredLinear)
    assert layer.stored.nbytes * 8 == bits * 128 * 128
    whole = network(replace(dit, precision="float32"))
    quantised = gguf.GGMLQuantizationType[kind]
    for theirs, tensor in original.items():
        ours = whole.state_dict()[NAMES.ours(theirs)]
        if tensor.ndim == 2 and "norm" not in theirs:
            restored = gguf.quants.dequantize(gguf.quants.quantize(tensor.numpy(), quantised), quantised)
            torch.testing.assert_close(ours, torch.from_numpy(restored), atol=1e-7, rtol=0)
        else:
            torch.testing.assert_close(ours, tensor, atol=0, rtol=2**-8)  # as bfloat16 has it
    x = torch.randn(3, 128, dtype=torch.bfloat16)
    restored = torch.nn.functional.linear(x.float(), whole.blocks[0].attn1.to_q.weight)
    torch.testing.assert_close(layer(x).float() - layer.bias.float(), restored, atol=2e-2, rtol=2e-2)


def test_gguf_makes_what_its_restored_weights_make(models: Path, files: Files) -> None:
    tiny_files.write_gguf(models / "whole.gguf", load_file(models / "original.safetensors"), "Q8_0")
    few = load_dit(files=files, file="whole.gguf")
    folder = load_weights(files=files, model="wan")
    latents = [torch.as_tensor(made(folder._replace(dit=dit)).data) for dit in (few, folder.dit)]
    assert 0 < float((latents[0] - latents[1]).abs().max()) < 0.1


def test_scaled_float8_is_its_numbers_times_their_scale(models: Path, files: Files) -> None:
    state = load_file(models / "original.safetensors")
    scaled: dict[str, torch.Tensor] = {"scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn)}
    for name, tensor in state.items():
        if tensor.ndim == 2 and name.startswith("blocks.") and name.endswith(".weight"):
            scale = tensor.abs().max() / 448
            scaled[name] = (tensor / scale).to(torch.float8_e4m3fn)
            scaled[name.replace(".weight", ".scale_weight")] = scale
            scaled[name.replace(".weight", ".scale_input")] = torch.ones(())
        else:
            scaled[name] = tensor.bfloat16()
    tiny_files.write(models / "scaled.safetensors", scaled, "model.diffusion_model.")
    layer = network(load_dit(files=files, file="scaled.safetensors")).blocks[1].ffn.net[2]
    assert isinstance(layer, StoredLinear)
    assert layer.stored.dtype == torch.float8_e4m3fn
    name = "blocks.1.ffn.2"
    expected = scaled[f"{name}.weight"].float() * scaled[f"{name}.scale_weight"]
    assert torch.equal(layer.weight, expected.bfloat16())
    torch.testing.assert_close(layer.weight.float(), state[f"{name}.weight"], atol=0, rtol=0.08)


@torch.no_grad()
def test_float8_storage_is_nearer_to_the_weights_than_diffusers_layerwise_casting(models: Path, files: Files) -> None:
    ours = network(load_dit(files=files, file="original.safetensors", precision="float8 storage"))
    whole, theirs = (load_part(type(ours), models / "wan" / "transformer") for _ in range(2))
    theirs.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    stored = {name for name, layer in ours.named_modules() if isinstance(layer, StoredLinear)}
    cast = {name for name, layer in theirs.named_modules() if isinstance(layer, torch.nn.Linear)
            and layer.weight.dtype == torch.float8_e4m3fn}  # fmt: skip
    assert stored == cast
    assert len(stored) == 20
    for name in stored:
        layer, exact = ours.get_submodule(name), whole.get_submodule(name).weight
        assert isinstance(layer, StoredLinear)
        assert layer.stored.dtype == torch.float8_e4m3fn
        off, cast_off = ((one.weight.float() - exact).norm(dim=1) for one in (layer, theirs.get_submodule(name)))
        assert bool((off <= cast_off).all())
        assert float(off.norm()) < float(cast_off.norm())


def test_small_weights_are_nearer_by_far_in_float8_storage() -> None:
    """As those of a wide network are."""
    network = tiny_files.transformer()
    torch.manual_seed(0)
    small = torch.randn(48, 24) / 100
    network.blocks[0].ffn.net[0].proj.weight.data = small.clone()
    store_as_float8(network)
    off = (network.blocks[0].ffn.net[0].proj.weight - small).norm()
    assert off < 0.6 * (small.to(torch.float8_e4m3fn).float() - small).norm()


def test_weights_that_are_in_float8_stay_exact_in_float8_storage() -> None:
    network, numbers = tiny_files.transformer(), torch.randn(48, 24).to(torch.float8_e4m3fn).float()
    network.blocks[0].ffn.net[0].proj.weight.data = numbers
    store_as_float8(network)
    assert torch.equal(network.blocks[0].ffn.net[0].proj.weight, numbers)


def test_bfloat16_is_what_diffusers_makes_of_the_folder(models: Path, files: Files) -> None:
    ours = network(load_weights(files=files, model="wan", precision="bfloat16").dit)
    theirs = type(ours).from_pretrained(models / "wan" / "transformer", torch_dtype=torch.bfloat16)
    require_same(ours, dict(theirs.state_dict()))
    assert ours.dtype == torch.bfloat16
    assert ours.blocks[0].norm2.weight.dtype == torch.float32


def test_weights_stay_as_they_are_stored(models: Path) -> None:
    folder = tiny_files.write_folder(models / "half")
    half = tiny_files.transformer().bfloat16()
    half.save_pretrained(folder / "transformer")
    assert network(components(folder).dit).dtype == torch.bfloat16


def test_a_precision_is_another_model_in_the_keys_and_does_not_touch_the_video_vae(files: Files) -> None:
    stored, small = (load_weights(files=files, model="wan", precision=each) for each in ("as stored", "float8 storage"))
    assert content_digest(stored.dit) != content_digest(small.dit)
    assert content_digest(stored.text_encoder) != content_digest(small.text_encoder)
    assert stored.vae == small.vae


def test_a_text_encoder_in_few_bits_reads_nearly_the_same(files: Files) -> None:
    handles = [load_text_encoder(files=files, file="text.safetensors", precision=each)
               for each in ("as stored", "float8 storage")]  # fmt: skip
    whole, few = (torch.as_tensor(loaded(handle).read(PROMPT).embeds) for handle in handles)
    assert 0 < float((whole - few).abs().max()) < 0.3


def test_a_text_encoder_without_its_tokenizer_is_refused_while_wiring(models: Path, files: Files) -> None:
    tiny_files.write(models / "makers.safetensors", tiny_files.text_state_of_the_makers(models / "wan"))
    with pytest.raises(WeightsRefused, match="holds a UMT5 text encoder without its tokenizer; needs a folder umt5"):
        load_text_encoder(files=files, file="makers.safetensors")
