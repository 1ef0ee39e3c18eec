"""Whether a file holds a tokenizer beside its text encoder. No torch here."""

from assets.weight_files import WeightsRefused
from assets.weight_headers import WeightHeader

TENSOR = "spiece_model"
"""ComfyUI keeps the bytes of the sentencepiece model among the weights."""
MAX_BYTES = 64 * 1024 * 1024


def require_tokenizer(header: WeightHeader) -> None:
    """WeightsRefused where there is none."""
    found = header.tensors.get(TENSOR)
    if found is None or header.gguf or found.dtype not in ("U8", "I8") or found.shape[0] > MAX_BYTES:
        raise WeightsRefused(
            f"{header.path.name} holds a text encoder without its tokenizer; needs one that has it (ComfyUI's umt5_xxl "
            "files do), or the model's diffusers folder."
        )
