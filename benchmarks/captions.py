"""How well the captioner and the expander write: `python -m benchmarks.captions [--clips 100] [--prompts 200]`.

Captioner: rendered clips of held-out combinations, of the kinds that the judge is measured on, encoded by the shipped
video VAE; the share of captions that tell each fact of all things right. Expander: prompts and fragments of prompts
about held-out combinations; the share of expansions that keep everything asked for, that are longer, and that differ
with the seed.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.judge.kinds import KINDS, held_out
from nodes.captioner.facts import SCENE_FACTS, THING_FACTS, facts_right
from nodes.captioner.model import load as load_captioner
from nodes.expander.entities import keeps
from nodes.expander.model import Expander
from nodes.expander.model import load as load_expander
from nodes.expander.prompts import prompt_and_caption
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import load as load_vae
from nodes.world.scene import sample_scene
from nodes.writer.words import Detail

# Words that the family has never seen: they must survive an expansion.
_UNKNOWN = ("dragon", "wearing a hat", "in Paris", "quickly", "made of glass")


def main(
    clips: Annotated[int, typer.Option(help="Rendered clips to caption, of each kind.", min=1)] = 100,
    prompts: Annotated[int, typer.Option(help="Prompts to expand.", min=1)] = 200,
    weights: Annotated[Path, typer.Option(help="Folder of the weights files.")] = Path("assets/weights"),
) -> None:
    """Measure the shipped captioner and expander."""
    torch.set_num_threads(1)
    captioner = load_captioner(weights / "captioner.safetensors")
    vae = load_vae(weights / "video_vae.safetensors")
    facts = (*THING_FACTS, *SCENE_FACTS, "all")
    table = Table("rendered clips", "n", "caption", *facts, box=None)
    for kind in (kind for kind in KINDS if kind.frames > 1):
        scenes, frames = held_out(kind, clips)
        latents = encode(vae, frames)
        details: tuple[Detail, ...] = ("short", "descriptive")
        for detail in details:
            right = facts_right([captioner.caption(latent, detail) for latent in latents], scenes)
            table.add_row(kind.name, str(clips), detail, *(f"{right[fact]:.0%}" for fact in facts))
    console = Console(soft_wrap=True)
    console.print(table)

    for name, share in expansions(load_expander(weights / "expander.safetensors"), prompts).items():
        console.print(f"expander, {prompts} prompts: {name} {share:.1%}")


@torch.inference_mode()
def encode(vae: VideoVAE, clips: Tensor) -> Tensor:
    """The latents (b z t h w) of clips (b 3 t h w)."""
    return torch.cat([vae.encode(part) for part in torch.split(clips, 16)])


def expansions(expander: Expander, count: int) -> dict[str, float]:
    """What holds of the expansions of `count` prompts, as shares; a fifth of the prompts have unknown words."""
    rng = random.Random("expansions")
    asked = [prompt_and_caption(sample_scene(rng, held=True), rng)[0] for _ in range(count)]
    asked = [f"{text.rstrip('.')} {rng.choice(_UNKNOWN)}" if i % 5 == 0 else text for i, text in enumerate(asked)]
    made = [expander.expand(prompt, seed=0) for prompt in asked]
    others = [expander.expand(prompt, seed=1) for prompt in asked]
    kept = [prompt in text or keeps(prompt, text) for prompt, text in zip(asked, made, strict=True)]
    return {
        "everything kept in": sum(kept) / count,
        "made longer": sum(text != prompt for prompt, text in zip(asked, made, strict=True)) / count,
        "another seed, another text": sum(a != b for a, b in zip(made, others, strict=True)) / count,
    }


if __name__ == "__main__":
    typer.run(main)
