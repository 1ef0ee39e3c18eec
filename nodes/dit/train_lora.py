"""Train a LoRA of the DiT on a folder of one's own clips: `train(config, out)`, resumed where `out` holds a checkpoint.

The DiT and the text encoder stay as they are. Every `loop.save_every` steps the averaged adapters are written to
`lora.safetensors`, and a clip that they make of a fixed text and seed to `preview-<step>.mp4`; that of step 0 shows
the DiT as it is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from assets.media import write_clip
from assets.values import DiT, TextEncoder, VideoVAE
from assets.weight_files import weights_digest
from nodes.dit import lora
from nodes.dit.batches import Batch, Mix, draw_batch
from nodes.dit.lora import Adapters
from nodes.dit.lora_file import LoRAConfig
from nodes.dit.make_clip import AtHand, make_clip
from nodes.dit.own_clips import OwnClips
from nodes.dit.train import DiTTraining, Pair, noise_loss
from nodes.models.handles import handle
from nodes.training.log import Log
from nodes.training.loop import LoopConfig, fit
from nodes.video_vae.model import load as load_vae


@dataclass(frozen=True)
class LoRATraining:
    """weights: folder of the family's weights. prompt: what the previews show; "" is the first clip's text."""

    folder: Path
    weights: Path = Path("assets/weights")
    rank: int = 8
    alpha: float = 8.0
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            steps=400, warm_up=20, cooldown=200, learning_rate=5e-3, ema=0.95, save_every=100
        )
    )
    mix: Mix = field(default_factory=lambda: Mix(rows=4, tokens=165, windows=0, given=0.2))
    prompt: str = ""
    seed: int = 0


def train(config: LoRATraining, out: Path, resume: bool = True) -> None:
    """Train, and leave checkpoint, curves, previews and `lora.safetensors` in `out`."""
    torch.manual_seed(config.seed)
    source = OwnClips(config.folder, config.weights / "video_vae.safetensors", out / "latents")
    clips, pair = source.clips(0, 1), frozen(config.weights)
    model = pair.dit.config
    base = weights_digest(config.weights / "dit.safetensors")
    adapters = Adapters(pair.dit, LoRAConfig(config.rank, config.alpha, base))
    lora.adapt(pair.dit, adapters)
    report = Report(config, out, source.judged(model), config.prompt or source.encoded()[0].text)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        seed = f"lora {config.seed} {step}"
        batch = draw_batch(random.Random(seed), random.Random(seed), clips, config.mix, model)
        return noise_loss(pair, batch), {}

    if not (resume and (out / "checkpoint.safetensors").exists()):
        Log(out, 0, 0).write({"step": 0, **report(adapters, 0)})
    fit(adapters, loss, config.loop, out, resume=resume, on_save=report)


class Report:
    """What is written at every checkpoint: adapters and preview; and the validation loss."""

    def __init__(self, config: LoRATraining, out: Path, judged: list[Batch], prompt: str) -> None:
        self.config, self.out, self.judged, self.prompt = config, out, judged, prompt
        self.vae = load_vae(config.weights / "video_vae.safetensors")
        self.handles = (
            handle(DiT, config.weights / "dit.safetensors"),
            handle(TextEncoder, config.weights / "text_encoder.safetensors"),
            handle(VideoVAE, config.weights / "video_vae.safetensors"),
        )

    @torch.no_grad()
    def __call__(self, average: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(average, Adapters)
        lora.save(average, self.out / "lora.safetensors", self.handles[0].space)
        pair = frozen(self.config.weights)
        lora.merge(pair.dit, self.out / "lora.safetensors", 1.0)
        modules = {DiT: pair.dit, TextEncoder: pair.text, VideoVAE: self.vae}
        clip = make_clip(AtHand(modules), *self.handles, self.prompt, seed=self.config.seed)
        write_clip(clip, self.out / f"preview-{step:05}.mp4")
        return {"validation": sum(float(noise_loss(pair, batch)) for batch in self.judged) / len(self.judged)}


def frozen(weights: Path) -> Pair:
    """The shipped DiT and text encoder, not to be trained."""
    return Pair(DiTTraining(init=weights)).eval().requires_grad_(False)
