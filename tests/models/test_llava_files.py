"""What HunyuanVideo's image to video reads text and picture by, from files: LLaMA, CLIP, and LLaVA's eyes."""

from pathlib import Path
from shutil import copyfile, copytree
from typing import Any

import pytest
import tiny_family_files as tiny
import tiny_files
import tiny_hunyuan
import tiny_hunyuan_i2v
import torch
from bench import Bench, loaded
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from parity import PROMPT
from safetensors.torch import load_file, save_file
from tiny_hunyuan_i2v import PATCH, SIDE, Told
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from assets.files import Files
from assets.values import Conditioning, Text, TextEncoder
from assets.weight_files import WeightsRefused
from assets.weight_headers import Tensor
from nodes.dit.nodes import sample
from nodes.families.hunyuan.layouts import NAMES as HUNYUAN
from nodes.families.hunyuan.layouts import vision_config
from nodes.families.hunyuan.pictured import Eyes
from nodes.families.images import encode_text_with_image
from nodes.families.nodes import load_clip_vision, load_text_encoder, load_weights
from nodes.families.registry import Components
from nodes.models.nodes import load_dit
from nodes.text_encoder.nodes import encode_text

from test_few_bits import in_few_bits, new  # isort: skip
from test_formats_parts import clip  # isort: skip
from test_hunyuan_i2v import asked, picture  # isort: skip

TOLD: tuple[Told, ...] = ("latent_concat", "token_replace")
DITS: dict[Told, str] = {
    "latent_concat": "hunyuan_video_image_to_video.safetensors",
    "token_replace": "hunyuan_video_v2_replace_image_to_video.safetensors",
}
EYES, READS, SECOND = "llava_llama3_vision.safetensors", "llava_llama3.safetensors", "clip_l.safetensors"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each way of being told, heads as wide as the real ones; and the files of their text encoders."""
    root = tmp_path_factory.mktemp("models")
    for told in TOLD:
        tiny_hunyuan_i2v.write(root / told, told)
        torch.manual_seed(5)
        llava().save_pretrained(root / told / "text_encoder")
        clip().save_pretrained(root / told / "text_encoder_2")
        tiny.HunyuanVideoTransformer3DModel(
            in_channels=9 if told == "latent_concat" else 4, out_channels=4, num_attention_heads=1,
            attention_head_dim=128, num_layers=1, num_single_layers=1, num_refiner_layers=1, text_embed_dim=128,
            pooled_projection_dim=64, image_condition_type=told,
        ).save_pretrained(root / told / "transformer")  # fmt: skip
    folder = root / TOLD[0]
    state = LlavaForConditionalGeneration.from_pretrained(folder / "text_encoder").state_dict()
    of_reader, of_eyes = "model.language_model.", "model.vision_tower."
    reads = {f"model.{name.removeprefix(of_reader)}": one for name, one in state.items() if name.startswith(of_reader)}
    eyes = {f"vision_model.{name.removeprefix(of_eyes)}": one for name, one in state.items() if of_eyes in name}
    eyes |= {name.removeprefix("model."): one for name, one in state.items() if "multi_modal_projector" in name}
    eyes["vision_model.embeddings.position_ids"] = torch.arange(577)[None]
    tiny.write(root / READS, reads)
    tiny.write(root / EYES, eyes)
    for told, name in DITS.items():
        tiny.write(root / name, tiny.in_layout(tiny.weights(root / told, "transformer"), HUNYUAN))
    second = tiny.weights(folder, "text_encoder_2")
    tiny.write(root / SECOND, {f"text_model.{name}": one for name, one in second.items()})
    copytree(folder / "tokenizer", root / "llama_tokenizer")
    copytree(folder / "tokenizer_2", root / "clip_tokenizer")
    return root


def llava() -> LlavaForConditionalGeneration:
    words = tiny_hunyuan_i2v.llava_tokenizer()
    sees = CLIPVisionConfig(
        hidden_size=64, intermediate_size=16, num_hidden_layers=3, num_attention_heads=1, image_size=SIDE,
        patch_size=PATCH,
    )  # fmt: skip
    reads = LlamaConfig(
        vocab_size=len(words), hidden_size=128, intermediate_size=37, num_hidden_layers=4, num_attention_heads=1,
        num_key_value_heads=1, rms_norm_eps=1e-5, rope_theta=500000.0, max_position_embeddings=8192,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=sees, text_config=reads, image_token_index=tiny_hunyuan.SPECIAL.index("<image>"),
        image_seq_length=DEFAULT_PROMPT_TEMPLATE["image_emb_len"],
    )  # fmt: skip
    return LlavaForConditionalGeneration(config).eval()


@pytest.fixture
def files(models: Path) -> Files:
    return Files((models,), models, (models,))


def from_files(files: Files, dit: Any, **more: str) -> TextEncoder:
    return load_text_encoder(dit, files=files, **{"file": READS, "second": SECOND, "vision": EYES} | more)


def require_alike(one: Conditioning, other: Conditioning) -> None:
    assert (one.encoder, one.words) == (other.encoder, other.words)
    for name in ("embeds", "null"):
        torch.testing.assert_close(*(torch.as_tensor(getattr(each, name)) for each in (one, other)), atol=1e-5, rtol=0)
    torch.testing.assert_close(one.extras["pooled"], other.extras["pooled"], atol=1e-6, rtol=0)


@pytest.mark.parametrize("told", TOLD)
def test_text_and_picture_are_read_as_the_folders_encoder_reads_them(files: Files, told: Told) -> None:
    whole = load_weights(files=files, model=told)
    ours = from_files(files, whole.dit)
    assert (ours.encoder, ours.dim, ours.images) == (whole.text_encoder.encoder, whole.text_encoder.dim, 1)
    read = [encode_text_with_image(each, Text(PROMPT), picture(), ctx=Bench()) for each in (ours, whole.text_encoder)]
    require_alike(*read)
    require_alike(*(encode_text(each, Text(PROMPT), ctx=Bench()) for each in (ours, whole.text_encoder)))
    assert len({*read[0].words}) > 2
    other = encode_text_with_image(ours, Text(PROMPT), picture(2), ctx=Bench())
    assert not torch.allclose(torch.as_tensor(other.embeds), torch.as_tensor(read[0].embeds), atol=1e-3)


def test_eyes_in_halves_go_with_a_reader_in_scaled_float8(files: Files, models: Path) -> None:
    """As ComfyUI's files are: each is computed with in numbers of its own."""
    few, stands = in_few_bits(load_file(models / READS), new)
    tiny.write(models / "fp8_scaled.safetensors", few)
    tiny.write(models / "stands.safetensors", stands)
    tiny.write(
        models / "halves.safetensors",
        {name: one.half() if one.is_floating_point() else one for name, one in load_file(models / EYES).items()},
    )
    dit = load_weights(files=files, model=TOLD[0]).dit
    read = [
        encode_text_with_image(
            from_files(files, dit, file=file, vision="halves.safetensors"), Text(PROMPT), picture(), ctx=Bench()
        )
        for file in ("fp8_scaled.safetensors", "stands.safetensors")
    ]
    torch.testing.assert_close(*(torch.as_tensor(each.embeds) for each in read), atol=1e-6, rtol=0)
    whole = encode_text_with_image(from_files(files, dit), Text(PROMPT), picture(), ctx=Bench())
    assert 0 < float((torch.as_tensor(whole.embeds) - torch.as_tensor(read[0].embeds)).abs().max()) < 0.1


def test_what_the_kinds_see_are_different_results(files: Files) -> None:
    one, other = (from_files(files, load_weights(files=files, model=told).dit) for told in TOLD)
    assert one.digest != other.digest


@pytest.mark.parametrize("told", TOLD)
def test_an_image_is_animated_by_files_alone_as_by_the_folder(files: Files, told: Told) -> None:
    whole = load_weights(files=files, model=told)
    dit = load_dit(files=files, file=DITS[told])
    assert (dit.given, dit.encoder, dit.space) == (whole.dit.given, whole.dit.encoder, whole.dit.space)
    made = [sampled(each) for each in (whole._replace(dit=dit, text_encoder=from_files(files, dit)), whole)]
    torch.testing.assert_close(*made, atol=1e-5, rtol=0)
    assert float(made[0].std()) > 0.1


def sampled(models: Components) -> torch.Tensor:
    canvas, text = asked(models)
    made = sample(models.dit, canvas, text, None, ctx=Bench(), steps=2, guidance=6.0, sampler="euler", shift=0)
    return torch.as_tensor(made.patches.tokens)


def test_another_name_leaves_a_dit_for_text(files: Files, models: Path) -> None:
    copyfile(models / DITS["token_replace"], models / "hunyuan_video.safetensors")
    dit = load_dit(files=files, file="hunyuan_video.safetensors")
    assert (dit.given, dit.encoder, dit.images) == ("nowhere", "hunyuan", 0)


def refused(files: Files, dit: Any, **more: str) -> str:
    with pytest.raises(WeightsRefused) as caught:
        from_files(files, dit, **more)
    return str(caught.value)


def test_what_does_not_go_together_is_refused_while_wiring(files: Files, models: Path) -> None:
    dit = load_weights(files=files, model=TOLD[0]).dit
    assert "the file of its eyes, which ComfyUI calls llava_llama3_vision" in refused(files, dit, vision="")
    assert "needs the DiT that it is to see for" in refused(files, None)
    tiny_files.write_clip(models / "clip_vision_h.safetensors", tiny_files.vision())
    assert "a Wan image encoder" in refused(files, dit, vision="clip_vision_h.safetensors")
    assert "it needs an image encoder of" in refused(files, dit, vision=READS)
    narrow = {name: one.clone() for name, one in load_file(models / EYES).items()}
    for name in ("weight", "bias"):
        narrow[f"multi_modal_projector.linear_2.{name}"] = narrow[f"multi_modal_projector.linear_2.{name}"][:96]
    save_file(narrow, models / "narrow.safetensors")
    assert "makes rows of 96" in refused(files, dit, vision="narrow.safetensors")


def test_the_eyes_alone_are_no_image_encoder_for_wan(files: Files) -> None:
    with pytest.raises(WeightsRefused, match="HunyuanVideo has no image encoder"):
        load_clip_vision(files=files, file=EYES)


def test_a_tokenizer_without_the_picture_is_refused(files: Files, models: Path) -> None:
    copytree(models / "llama_tokenizer", models / "others" / "llama_tokenizer")
    copytree(models / "clip_tokenizer", models / "others" / "clip_tokenizer")
    said = models / "others" / "llama_tokenizer" / "tokenizer.json"
    said.write_text(said.read_text().replace("<image>", "<sound>"))
    handle = from_files(files, load_weights(files=files, model=TOLD[0]).dit, tokenizer="others")
    with pytest.raises(WeightsRefused, match="no token <image>"):
        loaded(handle)


def test_real_sizes_are_told_by_the_shapes() -> None:
    real = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336,
            patch_size=14,
        ),
        text_config=LlamaConfig(hidden_size=4096),
    )  # fmt: skip
    with torch.device("meta"):
        whole = Eyes(real)
    told = vision_config({name: Tensor("F16", tuple(one.shape)) for name, one in whole.state_dict().items()})
    assert {name: getattr(real.vision_config, name) for name in told["vision_config"]} == told["vision_config"]
    assert told["text_config"]["hidden_size"] == 4096
