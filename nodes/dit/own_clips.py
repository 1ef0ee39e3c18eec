"""A folder of one's own clips as latents and texts: each encoded once and kept, at its own size and length."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from einops import rearrange
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from assets.media import MediaError
from assets.weight_files import weights_digest
from nodes.dit.batches import Batch, Clips, judged_batches
from nodes.dit.config import DiTConfig
from nodes.text_encoder.vocabulary import tokenise
from nodes.training.folder import FolderError, Taken, clip_files, read_frames, sidecar, text_of
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import load as load_vae

AT_ONCE = 16
"""Held-out clips of one size that the loss is measured on, at most."""
HELD_OUT = 8
"""One clip in so many is not trained on, where there are as many."""


@dataclass(frozen=True)
class Shown:
    """One clip: its latent (z t h w), normalised, in bfloat16, and its text."""

    latent: Tensor
    text: str


@dataclass(frozen=True)
class OwnClips:
    """Where the clips are, and where their latents are kept. A source of clips for `nodes.dit.train`."""

    folder: Path
    vae: Path
    kept: Path
    taken: Taken = field(default_factory=lambda: Taken(frames=33))

    def clips(self, rank: int, processes: int) -> list[Clips]:
        """What is trained on: all of it in every process, since a folder is small; each draws at random."""
        trained, _ = split(self.encoded())
        return by_size(trained)

    def judged(self, config: DiTConfig) -> list[Batch]:
        """What the loss is measured on: clips that are held out, the same noise every time, at five levels."""
        _, held = split(self.encoded())
        return [
            batch
            for clips in by_size(held)
            for batch in judged_batches(clips, min(AT_ONCE, len(clips.latents)), "held out", config)
        ]

    def encoded(self) -> tuple[Shown, ...]:
        """Every clip of the folder that can be read; FolderError where a text is missing, or no clip can be read."""
        return _encoded(self)


@cache
def _encoded(own: OwnClips) -> tuple[Shown, ...]:
    files = clip_files(own.folder)
    refuse_missing_texts(files)
    digest, vae = weights_digest(own.vae), load_vae(own.vae)
    shown = []
    for path in files:
        try:
            shown.append(Shown(kept_latent(vae, digest, path, own.kept, own.taken), text_of(path)))
        except MediaError as error:
            print(f"left out: {error}")
    if not shown:
        raise FolderError(f"None of the {len(files)} clips in {own.folder} can be read. Try others, as mp4 or png.")
    return tuple(shown)


def refuse_missing_texts(files: Sequence[Path]) -> None:
    """FolderError where a clip has no text, and how many more have none."""
    missing = [path for path in files if not sidecar(path).exists()]
    if len(missing) > 1:
        raise FolderError(
            f"{len(missing)} of {len(files)} clips have no text, {missing[0].name} for one; needs "
            f"{sidecar(missing[0]).name} beside it. Write them, or let `patchloom train recaption` write them."
        )
    for path in missing:
        text_of(path)


def unknown_words(shown: Sequence[Shown]) -> list[str]:
    """The words of the texts that the text encoder leaves out, the most frequent first."""
    counts: dict[str, int] = {}
    for each in shown:
        for word in tokenise(each.text).unknown:
            counts[word] = counts.get(word, 0) + 1
    return sorted(counts, key=lambda word: -counts[word])


def kept_latent(vae: VideoVAE, vae_digest: str, path: Path, kept: Path, taken: Taken) -> Tensor:
    """The latent (z t h w) of a clip, from `kept` if it was encoded before: the same file, by the same VAE."""
    stat = path.stat()
    name = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {taken} {vae_digest}"
    file = kept / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.safetensors"
    try:
        return load_file(file)["latent"]
    except (FileNotFoundError, SafetensorError, KeyError):
        pixels = rearrange(torch.as_tensor(read_frames(path, taken).frames), "t h w c -> 1 c t h w")
        with torch.no_grad():
            latent = vae.encode(pixels.float() / 127.5 - 1)[0].bfloat16().contiguous()
        kept.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        save_file({"latent": latent}, draft)
        draft.replace(file)
        return latent


def split(shown: Sequence[Shown]) -> tuple[list[Shown], list[Shown]]:
    """Those to train on, and those that are held out; where there are too few for that, all of them twice."""
    held = [each for number, each in enumerate(shown) if number % HELD_OUT == HELD_OUT - 1]
    trained = [each for number, each in enumerate(shown) if number % HELD_OUT != HELD_OUT - 1]
    return trained, held or list(shown)


def by_size(shown: Sequence[Shown]) -> list[Clips]:
    """The clips of each size together, with their texts as captions."""
    sizes: dict[torch.Size, list[Shown]] = {}
    for each in shown:
        sizes.setdefault(each.latent.shape, []).append(each)
    return [_together(alike) for alike in sizes.values()]


def _together(alike: list[Shown]) -> Clips:
    texts = [each.text for each in alike]
    return Clips(torch.stack([each.latent for each in alike]), lambda index, rng, long, still: texts[index])
