"""Tiny language models in the real formats, every weight at random."""

import json
from functools import cache
from pathlib import Path

import torch
from tiny_text import lasting_folder, write_t5_tokenizer
from transformers import (
    AutoTokenizer,
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerBase,
)

CHAT = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }} {% endfor %}assistant:"
LOOK = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %} caption:"
)


def write_writer(folder: Path) -> Path:
    torch.manual_seed(3)
    write_t5_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    model = LlamaForCausalLM(_llama(len(tokenizer)))
    model.generation_config.suppress_tokens = _no_words(tokenizer)
    model.save_pretrained(folder)
    return folder


def _no_words(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens that stand for nothing: a model at random would write little else."""
    said = {number: tokenizer.decode([number], skip_special_tokens=True) for number in range(len(tokenizer) + 8)}
    return [number for number, text in said.items() if not text.strip()]


def _llama(words: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=words + 8, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=4096, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip


def write_describer(folder: Path) -> Path:
    torch.manual_seed(4)
    write_t5_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    picture = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    config = LlavaConfig(
        vision_config=picture, text_config=_llama(len(tokenizer)), image_token_index=len(tokenizer) - 1,
        image_seq_length=4,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)
    model.generation_config.suppress_tokens = _no_words(tokenizer)
    model.save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LOOK,
    ).save_pretrained(folder)
    return folder


@cache
def models_folder() -> Path:
    """Has a "writer", a "describer", and an endpoint "local" that is not there."""
    models = lasting_folder()
    write_writer(models / "writer")
    write_describer(models / "describer")
    (models / "endpoints.json").write_text(json.dumps({"local": {"url": "http://127.0.0.1:9/v1"}}))
    return models
