"""What a file seems to be for, by its tensors' names: for the sentence that refuses it. No torch here."""

import re
from collections.abc import Iterable

SIGNS = (
    ("Mochi", r"transformer_blocks[._]\d+[._]attn1[._]add_[qkv]_proj|blocks\.\d+\.attn\.qkv_y"),
    ("LTX-Video", r"transformer_blocks[._]\d+[._]attn2[._]to_|patchify_proj"),
    ("HunyuanVideo", r"double_blocks\.\d+\.img_attn_qkv|(individual_)?token_refiner"),
    ("HunyuanVideo or Flux", r"double_blocks[._]\d+[._]img_attn[._]qkv|single_(transformer_)?blocks|context_embedder"),
    ("CogVideoX", r"transformer_blocks[._]\d+[._](attn1[._]to_|norm1\.linear)"),
    ("Stable Diffusion", r"joint_blocks|input_blocks|down_blocks[._]\d+[._](attentions|resnets)|lora_te"),
    ("Wan", r"blocks[._]\d+[._](self_attn|cross_attn|attn[12][._]to_)"),
)


def seems(names: Iterable[str]) -> str:
    """The family that tensors of these names seem to be of, or ""."""
    listed = list(names)
    for family, pattern in SIGNS:
        if any(re.search(rf"(^|[._]){pattern}", name) for name in listed):
            return family
    return ""
