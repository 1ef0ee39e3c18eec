"""The kinds of clips that the judge is trained and measured on: sizes, lengths, two things, one behind another."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.judge.looks import Look, looks
from nodes.world.render import render
from nodes.world.scene import Scene, lasting, sample_scene


@dataclass(frozen=True)
class Kind:
    """Clips of one size, length and number of things. share: how many of the training's steps it has."""

    name: str
    share: int
    height: int = 64
    width: int = 64
    frames: int = 17
    two: float = 0.0
    passing: float = 0.0

    def scene(self, rng: random.Random, *, held: bool = False) -> Scene:
        scene = sample_scene(rng, two=self.two, passing=self.passing, held=held)
        if self.two:  # a camera that moves takes things out of their sides
            scene = replace(scene, camera="fixed")
        return lasting(scene, self.frames)


KINDS = (
    Kind("64x64", 8),
    Kind("80x48", 2, 48, 80),
    Kind("112x64", 3, 64, 112),
    Kind("64x112", 3, 112, 64),
    Kind("128x128", 1, 128, 128),
    Kind("image", 2, frames=1),
    Kind("33 frames", 2, frames=33),
    Kind("65 frames", 1, frames=65),
    Kind("two things", 5, two=1),
    Kind("two things, 112x64", 1, 64, 112, two=1),
    Kind("passing", 3, passing=1),
    Kind("passing, 112x64", 1, 64, 112, passing=1),
)
# What a step may cost, in clips of 17 frames of 64 x 64.
_BUDGET = 24


def batch(kind: Kind, rng: random.Random) -> tuple[list[Scene], Tensor]:
    """Scenes of a kind and their clips (b 3 t h w): as many as a step may cost."""
    cost = kind.frames * kind.height * kind.width / (17 * 64 * 64)
    count = max(4, min(32, round(_BUDGET / max(cost, 0.2) / (2 if kind.two else 1))))
    scenes = [kind.scene(rng) for _ in range(count)]
    return scenes, render(scenes, kind.height, kind.width, kind.frames)


def held_out(kind: Kind, count: int) -> tuple[list[Scene], Tensor]:
    """Undisturbed clips of combinations that no training shows, and their scenes."""
    rng = random.Random(f"the judge's held-out clips, {kind.name}")
    scenes = [kind.scene(rng, held=True) for _ in range(count)]
    return scenes, render(scenes, kind.height, kind.width, kind.frames)


@dataclass(frozen=True)
class View:
    """Parts of clips to be judged together. numbers: of each, the clip that it is of."""

    clips: Tensor
    """(b 3 t h w)"""
    looks: list[Look]
    numbers: list[int]


def views(scenes: Sequence[Scene], clips: Sequence[Tensor] | Tensor) -> Iterator[View]:
    """What of each clip (3 t h w) is to be looked at, those of one size together."""
    parts: dict[torch.Size, list[tuple[Tensor, Look, int]]] = {}
    for number, (scene, clip) in enumerate(zip(scenes, clips, strict=True)):
        for look in looks(scene, clip.shape[1]):
            part = look.at(clip)
            parts.setdefault(part.shape, []).append((part, look, number))
    for same in parts.values():
        seen, looked, numbers = zip(*same, strict=True)
        yield View(torch.stack(seen), list(looked), list(numbers))
