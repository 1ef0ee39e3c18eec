"""How well the shipped models follow prompts: `python -m benchmarks.adherence [--prompts 64] [--steps 20] ...`.

Makes a clip of 17 frames of 64 x 64 for each prompt of a fixed list, has the judge say what it shows, and prints the
share that is right, for combinations that were trained on and for those held out; beside it the judge's own accuracy
on rendered clips of the same scenes and on their reconstructions by the video VAE, which no DiT can beat by much.
Writes a contact sheet to be looked at: a judge is no eye.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.judge.model import ATTRIBUTES, FRAMES, SIDE, load_judge
from benchmarks.prompts import COUNT, Asked, fixed_prompts
from benchmarks.sheet import write_sheet
from nodes.dit.guidance import guided
from nodes.dit.model import DiT
from nodes.dit.model import load as load_dit
from nodes.dit.samplers import begin, euler, schedule
from nodes.patches.layout import grid_coords, patchify, unpatchify
from nodes.text_encoder.model import TextEncoder
from nodes.text_encoder.model import load as load_text_encoder
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import load as load_vae
from nodes.world.render import render

Verdicts = list[dict[str, str]]
BAR = {"colour": 0.9, "background": 0.9, "shape": 0.6, "motion": 0.6}
_AT_ONCE = 16


def main(
    prompts: Annotated[int, typer.Option(help="How many of the fixed prompts.", min=1, max=COUNT)] = COUNT,
    steps: Annotated[int, typer.Option(help="Sampling steps.", min=1)] = 20,
    guidance: Annotated[float, typer.Option(help="Classifier-free guidance scale; 1 is none.")] = 4.0,
    shift: Annotated[float, typer.Option(help="Time shift of the schedule; above 1 dwells on high noise.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    weights: Annotated[Path, typer.Option(help="Folder of the weights files.")] = Path("assets/weights"),
    vae: Annotated[Path | None, typer.Option(help="The video VAE's file, if it lies elsewhere.")] = None,
    sheet: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("outputs/adherence.png"),
) -> None:
    """Measure how well the shipped models follow prompts, and write a contact sheet."""
    torch.set_num_threads(1)
    asked = fixed_prompts(prompts)
    judge, known = load_judge()
    video_vae = load_vae(vae or weights / "video_vae.safetensors")
    text, dit = load_text_encoder(weights / "text_encoder.safetensors"), load_dit(weights / "dit.safetensors")

    rendered = render([one.scene for one in asked], SIDE, SIDE, FRAMES)
    began = time.perf_counter()
    made = generate(asked, text, dit, video_vae, steps=steps, guidance=guidance, shift=shift, seed=seed)
    seconds = (time.perf_counter() - began) / len(asked)
    verdicts = judge.judge(made)

    console = Console(soft_wrap=True)
    console.print(
        report(asked, verdicts, judge.judge(rendered), judge.judge(reconstruct(video_vae, rendered)), known),
        f"{steps} steps, guidance {guidance:g}, shift {shift:g}, seed {seed}; {seconds:.2f} s a clip, on one thread.",
        *bar_sentences(asked, verdicts),
        sep="\n",
    )
    sheet.parent.mkdir(parents=True, exist_ok=True)
    write_sheet(sheet, asked, made, verdicts)
    console.print(f"Contact sheet: {sheet}")


@torch.inference_mode()
def generate(
    asked: Sequence[Asked],
    text: TextEncoder,
    dit: DiT,
    vae: VideoVAE,
    *,
    steps: int,
    guidance: float,
    shift: float,
    seed: int,
) -> Tensor:
    """A clip of each prompt: (b 3 17 64 64) in [-1, 1]. A clip's noise depends on the seed and its own place alone."""
    cells = (
        1 + (FRAMES - 1) // vae.config.time_factor,
        SIDE // vae.config.space_factor,
        SIDE // vae.config.space_factor,
    )
    noise = torch.stack(
        [
            torch.randn(dit.config.latent_channels, *cells, generator=torch.Generator().manual_seed(seed * COUNT + i))
            for i in range(len(asked))
        ]
    )
    grid = (cells[0] // dit.config.patch[0], cells[1] // dit.config.patch[1], cells[2] // dit.config.patch[2])
    null = text.encode([""])
    clips = []
    for part, eps in zip(_parts(asked), torch.split(patchify(noise, dit.config.patch), _AT_ONCE), strict=True):
        predict = guided(dit, grid_coords(*grid), text.encode([one.prompt for one in part]), null, guidance)
        state = begin(
            torch.zeros_like(eps), torch.ones(eps.shape[:2]), eps, schedule(steps, shift), dit.config.objective
        )
        while not state.done:
            state = euler(state, predict)
        clips.append(vae.decode(unpatchify(state.x, grid, dit.config.patch)).float())
    return torch.cat(clips)


@torch.inference_mode()
def reconstruct(vae: VideoVAE, clips: Tensor) -> Tensor:
    """The clips (b 3 t h w), through the VAE and back."""
    return torch.cat([vae.decode(vae.encode(part)).float() for part in torch.split(clips, _AT_ONCE)])


def report(
    asked: Sequence[Asked], made: Verdicts, rendered: Verdicts, reconstructed: Verdicts, known: dict[str, float]
) -> Table:
    """The shares that are right, a row for each kind of clip."""
    table = Table("clips", "n", *ATTRIBUTES, "all four", title="Right by the judge", box=None, title_justify="left")
    for name, held in (("made, trained", False), ("made, held out", True)):
        rows = [i for i, one in enumerate(asked) if one.held_out == held]
        if rows:
            _row(table, name, [asked[i] for i in rows], [made[i] for i in rows])
    _row(table, "made, all", asked, made)
    _row(table, "rendered", asked, rendered)
    _row(table, "VAE and back", asked, reconstructed)
    table.add_row("judge's own test", "1000", *(f"{known[name]:.1%}" for name in (*ATTRIBUTES, "all")))
    return table


def shares(asked: Sequence[Asked], verdicts: Verdicts) -> dict[str, float]:
    """The share of clips for which each attribute, and `all` of them, are as asked."""
    right = [
        {name: verdict[name] == one.facts[name] for name in ATTRIBUTES}
        for one, verdict in zip(asked, verdicts, strict=True)
    ]
    return {name: sum(row[name] for row in right) / len(right) for name in ATTRIBUTES} | {
        "all": sum(all(row.values()) for row in right) / len(right)
    }


def bar_sentences(asked: Sequence[Asked], verdicts: Verdicts) -> list[str]:
    """Whether the generated clips meet the first version's bar."""
    got = shares(asked, verdicts)
    missed = [f"{name} {got[name]:.0%} of the {least:.0%}" for name, least in BAR.items() if got[name] < least]
    least = ", ".join(f"{name} {share:.0%}" for name, share in BAR.items())
    return [f"The bar ({least}) is {'missed: ' + ', '.join(missed) if missed else 'met'}."]


def _row(table: Table, name: str, asked: Sequence[Asked], verdicts: Verdicts) -> None:
    table.add_row(name, str(len(asked)), *(f"{share:.0%}" for share in shares(asked, verdicts).values()))


def _parts(asked: Sequence[Asked]) -> list[Sequence[Asked]]:
    return [asked[start : start + _AT_ONCE] for start in range(0, len(asked), _AT_ONCE)]


if __name__ == "__main__":
    typer.run(main)
