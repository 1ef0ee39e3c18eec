"""Tiny HunyuanVideo folders in the real format, every weight at random."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
)
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE
from tiny_text import WORDS
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    LlamaConfig,
    LlamaModel,
    PreTrainedTokenizerFast,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

SPECIAL = ["<pad>", "<unk>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>"]


def llama_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word. The instruction is led by as many more as it takes to be as long as the real tokenizer's."""
    split, instruction = Whitespace(), DEFAULT_PROMPT_TEMPLATE["template"].split("{}")[0]
    words = [word for word, _ in split.pre_tokenize_str(instruction)]
    names = dict.fromkeys([*SPECIAL, *WORDS.split(), *words])
    tokenizer = Tokenizer(WordLevel({name: index for index, name in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.add_special_tokens(SPECIAL)
    missing = DEFAULT_PROMPT_TEMPLATE["crop_start"] - len(tokenizer.encode(instruction).ids)
    begin = "<|begin_of_text|>"
    tokenizer.post_processor = TemplateProcessing(
        single=" ".join([begin] * missing) + " $A", special_tokens=[(begin, SPECIAL.index(begin))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", padding_side="right"
    )


def clip_tokenizer() -> CLIPTokenizer:
    letters = list(bytes_to_unicode().values())
    names = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={name: index for index, name in enumerate(names)}, merges=[])


def vae() -> AutoencoderKLHunyuanVideo:
    torch.manual_seed(1)
    made = AutoencoderKLHunyuanVideo(
        latent_channels=4, down_block_types=("HunyuanVideoDownBlock3D",) * 4,
        up_block_types=("HunyuanVideoUpBlock3D",) * 4, block_out_channels=(8, 8, 8, 8), layers_per_block=1,
        norm_num_groups=4,
    )  # fmt: skip
    return made.eval()


def transformer(*, guidance: bool) -> HunyuanVideoTransformer3DModel:
    torch.manual_seed(2)
    made = HunyuanVideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=10, num_layers=1, num_single_layers=1,
        num_refiner_layers=1, patch_size=2, patch_size_t=1, guidance_embeds=guidance, text_embed_dim=16,
        pooled_projection_dim=8, rope_axes_dim=(2, 4, 4),
    )  # fmt: skip
    return made.eval()


def text() -> dict[str, Any]:
    """Tokenizers and text encoders, by the names that pipelines have for them."""
    words, letters = llama_tokenizer(), clip_tokenizer()
    torch.manual_seed(3)
    llama = LlamaConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=37, num_hidden_layers=4, num_attention_heads=4,
        pad_token_id=0,
    )  # fmt: skip
    clip = CLIPTextConfig(
        vocab_size=len(letters), hidden_size=8, intermediate_size=37, num_attention_heads=2, num_hidden_layers=2,
        projection_dim=8, bos_token_id=letters.bos_token_id, eos_token_id=letters.eos_token_id,
        pad_token_id=letters.pad_token_id,
    )  # fmt: skip
    return {
        "text_encoder": LlamaModel(llama).eval(),
        "tokenizer": words,
        "text_encoder_2": CLIPTextModel(clip).eval(),
        "tokenizer_2": letters,
    }


def write(folder: Path, *, guidance: bool = True) -> Path:
    """A text-to-video folder; guidance: whether it learned to be told of it."""
    HunyuanVideoPipeline(
        **text(),
        transformer=transformer(guidance=guidance),
        vae=vae(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
    ).save_pretrained(folder)
    return folder
