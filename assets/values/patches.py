"""Patches: one packed sequence of spacetime patches, the tokens that a DiT works on.

Every task of the system is an arrangement of patches: a token's noise level says whether it is given (0),
to be made (1), or to be changed as far as that level (SDEdit). See docs/design.md.
"""

from dataclasses import dataclass, field
from typing import Any

from assets.values.array import Array, Arrays, expect_shape
from assets.values.handles import Given, Told

Grid = tuple[int, int, int]


def grid_tokens(grid: Grid) -> int:
    """Number of tokens on a (t, h, w) grid."""
    t, h, w = grid
    return t * h * w


@dataclass(frozen=True, slots=True)
class PatchesSpec:
    """Sizes of a packed sequence; `dim` = channels * pt * ph * pw.

    given: which patches are given while others are made; None where it is not said, as of a value: it is known while
    wiring. told: how a DiT is to be told of it. lead: as in Patches.
    """

    grids: tuple[Grid, ...]
    dim: int
    patch: Grid
    space: str
    fps: float
    given: Given | None = field(default=None, compare=False)
    told: Told = field(default="by itself", compare=False)
    lead: int = 0

    @property
    def tokens(self) -> int:
        return sum(grid_tokens(grid) for grid in self.grids)

    def __str__(self) -> str:
        grids = " + ".join("x".join(map(str, grid)) for grid in self.grids)
        return f"{self.tokens} patches of {'x'.join(map(str, self.patch))} on {grids} ({self.space})"


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """One packed sequence of clean tokens with a noise level each.

    tokens: float32 (n, d), d ordered (c pt ph pw): the clean content; zero where there is none yet. The sampler
        adds the noise that `noise` asks for, drawn from its own seed.
    noise: float32 (n,) in [0, 1]: 0 = given, 1 = to be made, between = to be changed (SDEdit strength).
    grids: (t, h, w) of each clip in the sequence, in patches. Clips of different size and length follow one another
        (NaViT, Dehghani et al. 2023); within a clip the order is t, then h, then w.
    patch: (pt, ph, pw) in latent cells. pt = 1 cuts each latent frame by itself, pt > 1 makes tubelets (ViViT,
        Arnab et al. 2021, section 3.2).
    space: latent space. fps: frame rate of the clip.
    beside: what a DiT is told of the canvas beside its tokens, by name, each as its family has it.
    lead: how many rows of time at the beginning are pictures for the DiT to go by, and no part of the clip.
    """

    tokens: Array
    noise: Array
    grids: tuple[Grid, ...]
    patch: Grid
    space: str
    fps: float
    beside: Arrays = field(default_factory=dict)
    lead: int = 0

    def __post_init__(self) -> None:
        expect_shape("Patches.tokens", self.tokens, "n d")
        expect_shape("Patches.noise", self.noise, "n")
        object.__setattr__(self, "grids", tuple(tuple(grid) for grid in self.grids))
        object.__setattr__(self, "patch", tuple(self.patch))
        expected = sum(grid_tokens(grid) for grid in self.grids)
        if not self.tokens.shape[0] == self.noise.shape[0] == expected:
            raise ValueError(
                f"Patches got {self.tokens.shape[0]} tokens and {self.noise.shape[0]} noise levels; "
                f"the grids {self.grids} need {expected} of each"
            )

    @property
    def spec(self) -> PatchesSpec:
        return spec_of(self, self.tokens.shape[1])


def spec_of(layout: Any, dim: int) -> PatchesSpec:
    """The spec of what is laid out as Patches or as a Trajectory says."""
    told: Told = "by a mask" if "mask" in layout.beside else "by itself"
    return PatchesSpec(layout.grids, dim, layout.patch, layout.space, layout.fps, told=told, lead=layout.lead)
