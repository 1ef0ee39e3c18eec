"""Tiny HunyuanVideo folders for image to video in the real format, every weight at random."""

from functools import cache
from pathlib import Path
from typing import Literal

import tiny_hunyuan
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, HunyuanVideoImageToVideoPipeline, HunyuanVideoTransformer3DModel
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from tiny_hunyuan import SPECIAL
from tiny_text import WORDS, lasting_folder
from tokenizers import Regex, Tokenizer, normalizers
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

Told = Literal["latent_concat", "token_replace"]
SIDE, PATCH = 48, 2
"""Of the picture that LLaVA sees: 24 x 24 patches, as those of the real one."""


def llava_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, and one for an empty line. The instruction is as long as the real tokenizer has it."""
    instruction = DEFAULT_PROMPT_TEMPLATE["template"].split("{}")[0]
    begin = "<|begin_of_text|>"

    def made(fill: int) -> Tokenizer:
        tokenizer = Tokenizer(WordLevel({name: index for index, name in enumerate(names)}, unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Replace("Describe the video", "Describe the video" + " video" * fill)
        tokenizer.pre_tokenizer = split
        tokenizer.add_special_tokens(SPECIAL)
        tokenizer.post_processor = TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, SPECIAL.index(begin))]
        )
        return tokenizer

    split = Split(Regex(r"\n\n|\w+|[^\w\s]+"), "removed", invert=True)
    words = [word for word, _ in split.pre_tokenize_str(instruction)]
    names = dict.fromkeys([*SPECIAL, "\n\n", *WORDS.split(), *words])
    fill = DEFAULT_PROMPT_TEMPLATE["crop_start"] - len(made(0).encode(instruction).ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=made(fill), pad_token="<pad>", unk_token="<unk>", padding_side="right"
    )


def llava(words: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    sees = CLIPVisionConfig(
        hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
        patch_size=PATCH, projection_dim=8,
    )  # fmt: skip
    reads = LlamaConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=37, num_hidden_layers=4, num_attention_heads=4,
        pad_token_id=0,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=sees, text_config=reads, image_token_index=SPECIAL.index("<image>"), pad_token_id=0,
        image_seq_length=DEFAULT_PROMPT_TEMPLATE["image_emb_len"],
    )  # fmt: skip
    return LlavaForConditionalGeneration(config).eval()


def transformer(told: Told, *, guidance: bool) -> HunyuanVideoTransformer3DModel:
    torch.manual_seed(2)
    made = HunyuanVideoTransformer3DModel(
        in_channels=9 if told == "latent_concat" else 4, out_channels=4, num_attention_heads=2, attention_head_dim=10,
        num_layers=1, num_single_layers=1, num_refiner_layers=1, patch_size=2, patch_size_t=1, guidance_embeds=guidance,
        text_embed_dim=16, pooled_projection_dim=8, rope_axes_dim=(2, 4, 4), image_condition_type=told,
    )  # fmt: skip
    return made.eval()


def write(folder: Path, told: Told, *, guidance: bool = True) -> Path:
    """told: how the transformer is told of the image. guidance: whether it learned to be told of it."""
    words, letters = llava_tokenizer(), tiny_hunyuan.clip_tokenizer()
    torch.manual_seed(3)
    clip = CLIPTextConfig(
        vocab_size=len(letters), hidden_size=8, intermediate_size=37, num_attention_heads=2, num_hidden_layers=2,
        projection_dim=8, bos_token_id=letters.bos_token_id, eos_token_id=letters.eos_token_id,
        pad_token_id=letters.pad_token_id,
    )  # fmt: skip
    HunyuanVideoImageToVideoPipeline(
        text_encoder=llava(words),
        tokenizer=words,
        text_encoder_2=CLIPTextModel(clip).eval(),
        tokenizer_2=letters,
        transformer=transformer(told, guidance=guidance),
        vae=tiny_hunyuan.vae(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        image_processor=CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=SIDE),
    ).save_pretrained(folder)
    return folder


@cache
def folder() -> Path:
    """A folder in which the image replaces tokens, made once."""
    return write(lasting_folder() / "hunyuan i2v", "token_replace")
