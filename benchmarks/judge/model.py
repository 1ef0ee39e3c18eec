"""A classifier of what a clip shows, on two pathways (after SlowFast, Feichtenhofer et al. 2019).

The slow one looks closely at five frames at their aspect ratio (colour, shape, pattern, background), pooled over the
places, so that it can't learn where a thing was seen. The fast one looks at 17 frames, squeezed into a square, and at
their differences (motion, camera), and keeps the places. So any size and length can be judged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors import safe_open
from torch import Tensor, nn

from benchmarks.judge.looks import scaled
from nodes.world.scene import BACKGROUNDS, CAMERAS, COLOURS, MOTIONS, PATTERNS, SHAPES

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "colour": tuple(COLOURS),
    "background": BACKGROUNDS,
    "shape": SHAPES,
    "motion": MOTIONS,
    "pattern": PATTERNS,
    "camera": CAMERAS,
}
MOVING = ("motion", "camera")
FRAMES, SIDE, _SLOW = 17, 64, 5
WEIGHTS = Path(__file__).parents[1] / "judge.safetensors"


class Judge(nn.Module):
    """Clips (b 3 t h w) in [-1, 1] to a score for every value of every attribute."""

    def __init__(self, width: int = 64, motion_width: int = 96) -> None:
        super().__init__()
        self.slow_enter = nn.Conv2d(3, width // 2, 3, stride=2, padding=1)
        self.slow = nn.Sequential(
            Down(width // 2, width), Residual(width), Residual(width), Down(width, 96), Residual(96)
        )
        self.look = nn.Linear(2 * 96, 128)
        self.fast_enter = nn.Conv2d(6, 16, 3, stride=2, padding=1)
        self.fast = nn.Sequential(Down(16, 32), Residual(32), Down(32, 64))
        self.narrow = nn.Conv2d(64, 8, 1)
        self.place = nn.Linear(8 * 8 * 8 + 64, motion_width)
        self.over_time = nn.ModuleList(nn.Conv1d(motion_width, motion_width, 3, padding=1) for _ in range(2))
        self.follow = nn.Linear(FRAMES * motion_width, 128)
        self.heads = nn.ModuleDict({name: nn.Linear(128, len(values)) for name, values in ATTRIBUTES.items()})

    def forward(self, clips: Tensor) -> dict[str, Tensor]:
        """Scores (b values) by attribute."""
        still, moving = self._still(clips), self._moving(clips)
        return {name: head(moving if name in MOVING else still) for name, head in self.heads.items()}

    def _still(self, clips: Tensor) -> Tensor:
        batch, _, _, height, width = clips.shape
        scale = min(SIDE / min(height, width), (2 * SIDE * SIDE / (height * width)) ** 0.5)  # narrow ones cost no more
        clips = scaled(clips[:, :, _moments(clips, _SLOW)], round(scale * height), round(scale * width))
        x = rearrange(clips, "b c t h w -> (b t) c h w").contiguous(memory_format=torch.channels_last)
        x = rearrange(normed(self.slow(self.slow_enter(x))), "(b t) c h w -> b c (t h w)", b=batch)
        pooled = torch.cat([x.amax(-1), x.mean(-1)], dim=1)
        return F.silu(self.look(F.dropout(pooled, 0.1, self.training)))

    def _moving(self, clips: Tensor) -> Tensor:
        batch = clips.shape[0]
        clips = scaled(clips[:, :, _moments(clips, FRAMES, repeat=True)], SIDE, SIDE)
        change = torch.cat([torch.zeros_like(clips[:, :, :1]), clips.diff(dim=2)], dim=2)
        x = rearrange(torch.cat([clips, 2 * change], dim=1), "b c t h w -> (b t) c h w")
        x = normed(self.fast(self.fast_enter(x.contiguous(memory_format=torch.channels_last))))
        places = rearrange(self.narrow(x), "n c h w -> n (c h w)")
        x = self.place(torch.cat([places, x.amax((-2, -1))], dim=1))
        x = rearrange(x, "(b t) c -> b c t", b=batch)
        for mix in self.over_time:
            x = x + mix(F.silu(x))
        x = rearrange(F.silu(x), "b c t -> b (c t)")
        return F.silu(self.follow(F.dropout(x, 0.2, self.training)))

    @torch.no_grad()
    def judge(self, clips: Tensor) -> list[dict[str, str]]:
        """What each clip (b 3 t h w) shows: attribute -> value. Motion and camera mean nothing for a single frame."""
        scores = [self.eval()(part) for part in torch.split(clips, 16)]
        best = {name: torch.cat([part[name] for part in scores]).argmax(1).tolist() for name in ATTRIBUTES}
        return [{name: ATTRIBUTES[name][best[name][i]] for name in ATTRIBUTES} for i in range(len(clips))]


def _moments(clips: Tensor, count: int, *, repeat: bool = False) -> list[int]:
    """The numbers of `count` frames spread over the clips (b c t h w); fewer where there are fewer, unless repeated."""
    frames = clips.shape[2]
    count = count if repeat else min(count, frames)
    return [round(i * (frames - 1) / max(1, count - 1)) for i in range(count)]


class Down(nn.Module):
    """Half the height and width, more channels."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, wider, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.conv(F.silu(normed(x))))


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(width, width, 3, padding=1)
        self.write = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.write.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.write(F.silu(self.look(normed(x)))))


def normed(x: Tensor) -> Tensor:
    """Normalise over the channels at each place (n c h w)."""
    return rearrange(F.layer_norm(rearrange(x, "n c h w -> n h w c"), x.shape[1:2]), "n h w c -> n c h w")


Accuracy = dict[str, dict[str, float]]
"""Kind of clip -> attribute (and "all") -> share."""


def load_judge(path: Path = WEIGHTS) -> tuple[Judge, Accuracy]:
    """The trained judge, and its accuracy on rendered clips of held-out combinations as measured after training."""
    if not path.exists():
        raise FileNotFoundError(f"there are no weights of the judge at {path}; make them: python -m benchmarks.judge")
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["judge"])
        weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - no mapping
    judge = Judge().eval()
    judge.load_state_dict(weights)
    return judge, facts["accuracy"]
