"""Tiny random models in the real weights format, and a context to run nodes with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from assets import weight_files
from assets.values import Captioner, Clip, DiT, Expander, Latent, ModelHandle, Patches, TextEncoder, VideoVAE
from nodes.captioner.config import CaptionerConfig
from nodes.captioner.model import Captioner as CaptionerModule
from nodes.context import Cancelled
from nodes.dit import lora
from nodes.dit.config import DiTConfig
from nodes.dit.lora_file import LoRAConfig
from nodes.dit.model import DiT as DiTModule
from nodes.expander.config import ExpanderConfig
from nodes.expander.model import Expander as ExpanderModule
from nodes.models import load
from nodes.models.handles import builtin
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.model import TextEncoder as TextEncoderModule
from nodes.video_vae.config import VideoVAEConfig
from nodes.video_vae.model import VideoVAE as VideoVAEModule
from nodes.weights_file import save_weights

CHANNELS, SPACE = 4, "tiny"


@dataclass
class Bench:
    """A context that remembers what a node shows, keeps and counts its steps, and can break off before one."""

    device: str = "cpu"
    seen: list[Clip | Latent | Patches] = field(default_factory=list)
    done: int = 0
    stop_at: int | None = None
    steps_kept: list[dict[str, Any]] = field(default_factory=list)
    kept_before: list[dict[str, Any]] = field(default_factory=list)

    def steps(self, total: int) -> Iterator[int]:
        for step in range(total):
            if step == self.stop_at:
                raise Cancelled
            yield step
            self.done += 1

    def keep(self, state: Mapping[str, Any]) -> None:
        self.steps_kept.append(dict(state))

    def kept(self) -> list[dict[str, Any]]:
        return self.kept_before

    def preview(self, value: Clip | Latent | Patches) -> None:
        self.seen.append(value)

    def model(self, handle: ModelHandle) -> Any:
        return loaded(handle)


@cache
def loaded(handle: ModelHandle) -> Any:
    return load(handle, "cpu")


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
