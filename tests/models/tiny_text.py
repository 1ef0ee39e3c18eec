"""Tiny tokenizers and text encoders in the formats that real models have, every weight at random."""

import atexit
import shutil
import tempfile
from pathlib import Path

import sentencepiece
from transformers import T5Config, T5EncoderModel, T5Tokenizer, UMT5Config, UMT5EncoderModel

WORDS = "a red blue ball bounces rolls over the green meadow at night two one small large and while camera pans"


def lasting_folder() -> Path:
    """A new folder that is there until this process ends."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def write_t5_tokenizer(folder: Path) -> None:
    """spiece.model, tokenizer.json and tokenizer_config.json."""
    folder.mkdir(parents=True)
    lines = [" ".join(WORDS.split()[start:]) for start in range(12)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 4), model_prefix=str(folder / "spiece"), vocab_size=80, hard_vocab_limit=False,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer", "extra_ids": 0}')
    T5Tokenizer.from_pretrained(folder).save_pretrained(folder)


def write_umt5(folder: Path, width: int = 32) -> None:
    config = UMT5Config(vocab_size=128, d_model=width, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    UMT5EncoderModel(config).save_pretrained(folder)


def write_t5(folder: Path, width: int = 32) -> None:
    config = T5Config(
        vocab_size=128, d_model=width, d_kv=8, d_ff=64, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu"
    )
    T5EncoderModel(config).save_pretrained(folder)
