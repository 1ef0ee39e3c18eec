"""What each card can run, foreseen from published sizes: `python -m benchmarks.cards` (half a minute, no GPU).

Each model is made without weights, at the size and on the canvas that it was published with, in bfloat16; where its
parts would be on a card is what the planner says that places them at run time.
"""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from rich.console import Console
from torch import nn

from assets.values import DiT, LatentSpec, ModelHandle, PatchesSpec, TextEncoder, VideoVAE
from assets.values.patches import Grid
from nodes.families import footprint
from nodes.families.footprint_vae import vae_work
from nodes.families.wan.vae_sizes import VAES
from pipelines.executors.placement import memory_plan

CARDS = (8, 12, 16, 24, 32, 48, 80)
"""GiB."""
WAN_VAE_48 = VAES[48] | {"base_dim": 160, "decoder_base_dim": 256, "in_channels": 12, "out_channels": 12}
T5 = {"d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "feed_forward_proj": "gated-gelu"}
LLAMA = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "vocab_size": 128320}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """canvas: of a clip: pixels, frames. grid: in tokens. latent: (frames, height, width). text: tokens at most."""

    name: str
    family: str
    canvas: str
    grid: Grid
    latent: Grid
    channels: int
    text: int
    dit: dict[str, Any] = field(default_factory=dict)
    vae: dict[str, Any] = field(default_factory=dict)


KINDS: dict[str, tuple[Any, Any, Any]] = {
    "wan": (diffusers.WanTransformer3DModel, diffusers.AutoencoderKLWan, "umt5"),
    "ltx": (diffusers.LTXVideoTransformer3DModel, diffusers.AutoencoderKLLTXVideo, "t5"),
    "cogvideox": (diffusers.CogVideoXTransformer3DModel, diffusers.AutoencoderKLCogVideoX, "t5"),
    "hunyuan": (diffusers.HunyuanVideoTransformer3DModel, diffusers.AutoencoderKLHunyuanVideo, "llama"),
    "mochi": (diffusers.MochiTransformer3DModel, diffusers.AutoencoderKLMochi, "t5"),
}
SMALL_WAN = {"num_attention_heads": 12, "attention_head_dim": 128, "ffn_dim": 8960, "num_layers": 30}
MIDDLE_WAN = {"num_attention_heads": 24, "attention_head_dim": 128, "ffn_dim": 14336, "num_layers": 30,
              "in_channels": 48, "out_channels": 48}  # fmt: skip
LARGE_LTX = {"num_layers": 48, "attention_head_dim": 128, "cross_attention_dim": 4096}
LARGE_COG = {"num_attention_heads": 48, "num_layers": 42, "use_rotary_positional_embeddings": True}
WIDE_COG_VAE = {"block_out_channels": (128, 256, 256, 512)}
MODELS = (
    Published("Wan 2.1 1.3B", "wan", "832 x 480 x 81", (21, 30, 52), (21, 60, 104), 16, 512, SMALL_WAN),
    Published("Wan 2.1 14B", "wan", "832 x 480 x 81", (21, 30, 52), (21, 60, 104), 16, 512),
    Published("Wan 2.1 14B", "wan", "1280 x 720 x 81", (21, 45, 80), (21, 90, 160), 16, 512),
    Published("Wan 2.2 5B", "wan", "1280 x 704 x 121", (31, 22, 40), (31, 44, 80), 48, 512, MIDDLE_WAN, WAN_VAE_48),
    Published("LTX-Video 2B", "ltx", "1216 x 704 x 121", (16, 22, 38), (16, 22, 38), 128, 128),
    Published("LTX-Video 13B", "ltx", "1216 x 704 x 121", (16, 22, 38), (16, 22, 38), 128, 128, LARGE_LTX),
    Published("CogVideoX 2B", "cogvideox", "720 x 480 x 49", (13, 30, 45), (13, 60, 90), 16, 226, {}, WIDE_COG_VAE),
    Published(
        "CogVideoX 5B", "cogvideox", "720 x 480 x 49", (13, 30, 45), (13, 60, 90), 16, 226, LARGE_COG, WIDE_COG_VAE
    ),
    Published("HunyuanVideo", "hunyuan", "1280 x 720 x 129", (33, 45, 80), (33, 90, 160), 16, 256),
    Published("Mochi", "mochi", "848 x 480 x 163", (28, 30, 53), (28, 60, 106), 12, 256),
)


def main() -> None:
    """Print a table in Markdown: of each model, what its parts would be on each card."""
    rows = ["| model, canvas | " + " | ".join(f"{card} GB" for card in CARDS) + " |", "| --- |" + " --- |" * len(CARDS)]
    for model in MODELS:
        rows.append(f"| {model.name}, {model.canvas} | " + " | ".join(on_cards(model)) + " |")
        Console(stderr=True).print(model.name)
    print("\n".join(rows))


def on_cards(model: Published) -> list[str]:
    """What a model would be on each of `CARDS`."""
    with tempfile.TemporaryDirectory() as folder:
        text, dit, vae = written(Path(folder), model)
        config = json.loads((Path(folder) / "vae" / "config.json").read_text())
        latent = LatentSpec(model.channels, *model.latent, "space", 16.0)
        canvas = PatchesSpec((model.grid,), model.channels * dit.patch[1] ** 2, dit.patch, "space", 16.0)
        parts = ((text, footprint.text_work(text)), (dit, footprint.work(dit, canvas)))
        decoding = footprint.weights(vae) + (vae_work(vae, latent, config, 2) or 0)
        return [on_card(card * 2**30, parts, decoding) for card in CARDS]


def on_card(room: int, parts: tuple[tuple[ModelHandle, int], ...], decoding: int) -> str:
    """In words. parts: models, each with the bytes of its work. decoding: bytes of decoding the clip whole in space."""
    plans = [
        memory_plan(footprint.weights(part), room, "cuda", "automatic", work, footprint.blocks(part))
        for part, work in parts
    ]
    if any(plan.peak > room for plan in plans):
        return "no"
    streamed = [name for name, plan in zip(("text", "DiT"), plans, strict=True) if plan.way == "streamed"]
    said = [f"{' and '.join(streamed)} streamed"] if streamed else []
    return ", ".join([*said, *(["tiles"] if decoding > room else [])]) or "whole"


def written(folder: Path, model: Published) -> tuple[TextEncoder, DiT, VideoVAE]:
    """A model's folder, of which only the data of its weights is missing."""
    dit_kind, vae_kind, reader = KINDS[model.family]
    with torch.device("meta"):
        dit, vae, text = dit_kind(**model.dit), vae_kind(**model.vae), text_encoder(reader)
    for name, part in (("transformer", dit), ("vae", vae), ("text_encoder", text)):
        hollow(part, folder / name)
    dit.save_config(folder / "transformer")
    vae.save_config(folder / "vae")
    parts = {name: ["diffusers", ""] for name in ("transformer", "vae", "text_encoder")}
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "", **parts}))
    path, family = str(folder), model.family
    patch = (1, 1, 1) if family == "ltx" else (1, 2, 2)
    return (
        TextEncoder(family, path, "text", family, 4096, model.text, precision="bfloat16"),
        DiT(family, path, "dit", "space", model.channels, patch, family, "flow", precision="bfloat16"),
        VideoVAE(family, path, "vae", "space", model.channels, (1, *strides(model)), precision="bfloat16"),
    )


def strides(model: Published) -> tuple[int, int]:
    """Pixels of a latent cell."""
    wide, high = (int(side) for side in model.canvas.split(" x ")[:2])
    return high // model.latent[1], wide // model.latent[2]


def text_encoder(reader: str) -> nn.Module:
    made: nn.Module
    match reader:
        case "umt5":
            made = transformers.UMT5EncoderModel(transformers.UMT5Config(**T5, vocab_size=256384))
        case "t5":
            made = transformers.T5EncoderModel(transformers.T5Config(**T5))
        case _:
            made = transformers.LlamaModel(transformers.LlamaConfig(**LLAMA))
    return made


def hollow(module: nn.Module, folder: Path) -> None:
    """A safetensors file whose header says what the module has, with a hole for the data."""
    header, end = {}, 0
    for name, tensor in module.state_dict(keep_vars=True).items():
        begin, end = end, end + 2 * tensor.numel()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    folder.mkdir()
    with (folder / "diffusion_pytorch_model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


if __name__ == "__main__":
    main()
