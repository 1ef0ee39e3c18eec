"""Tiny random models in the built-in family's weights format."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from bench import loaded

from assets import weight_files
from assets.values import Captioner, DiT, Expander, TextEncoder, VideoVAE
from nodes.captioner.config import CaptionerConfig
from nodes.captioner.model import Captioner as CaptionerModule
from nodes.dit import lora
from nodes.dit.config import DiTConfig
from nodes.dit.lora_file import LoRAConfig
from nodes.dit.model import DiT as DiTModule
from nodes.expander.config import ExpanderConfig
from nodes.expander.model import Expander as ExpanderModule
from nodes.models.handles import builtin
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.model import TextEncoder as TextEncoderModule
from nodes.video_vae.config import VideoVAEConfig
from nodes.video_vae.model import VideoVAE as VideoVAEModule
from nodes.weights_file import save_weights

CHANNELS, SPACE = 4, "tiny"


@dataclass(frozen=True)
class TinyModels:
    folder: Path
    text_encoder: TextEncoder
    dit: DiT
    vae: VideoVAE
    captioner: Captioner
    expander: Expander


def write_tiny_models(folder: Path) -> TinyModels:
    """A family that fits together, as small as models come, every weight at random."""
    torch.manual_seed(0)
    modules: dict[str, Any] = {
        "text_encoder": TextEncoderModule(TextEncoderConfig(width=12, depth=1, heads=2)),
        "dit": DiTModule(DiTConfig(CHANNELS, width=24, depth=1, heads=2, axes=(4, 4, 4), text_width=12)),
        "video_vae": VideoVAEModule(
            VideoVAEConfig(CHANNELS, (8, 8), (1, 1), decoder_widths=(8, 8, 8), decoder_blocks=(1, 1, 1))
        ),
        "captioner": CaptionerModule(CaptionerConfig(CHANNELS, look=8, width=24, readers=1, writers=1)),
        "expander": ExpanderModule(ExpanderConfig(width=24, readers=1, writers=1)),
    }
    for kind, module in modules.items():
        with torch.no_grad():
            for weight in module.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        path = folder / f"{kind}.safetensors"
        save_weights(module, path, kind=kind, latent_space=SPACE, config=module.config)
    kinds = (TextEncoder, DiT, VideoVAE, Captioner, Expander)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight_files, "BUILTIN", folder)
        return TinyModels(folder, *(builtin(kind) for kind in kinds))  # type: ignore[arg-type]


def write_tiny_lora(dit: DiT, path: Path) -> None:
    """A LoRA that fits a DiT, as it is before any training: it adds nothing."""
    lora.save(lora.Adapters(loaded(dit), LoRAConfig(rank=2, base=dit.digest)), path, SPACE)
