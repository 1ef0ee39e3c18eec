"""Trajectories: the way a sampler went from noise to patches."""

from dataclasses import dataclass, field

from assets.values.array import Array, Arrays, expect_shape
from assets.values.patches import Grid, PatchesSpec, spec_of


@dataclass(frozen=True, slots=True)
class TrajectorySpec:
    """steps: that were taken. left: those that its schedule has after them."""

    steps: int
    patches: PatchesSpec
    left: int = 0

    def __str__(self) -> str:
        whole = f" of {self.steps + self.left}" if self.left else ""
        return f"{self.steps}{whole} steps over {self.patches}"


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """The state after every step of a sampler.

    states: float32 (k + 1, n, d): the tokens before the first step, then after each of k steps.
    predictions: float32 (k, n, d): the clean tokens that the model foresaw at each step, to look at.
    sigmas: float32 (k + 1 + left,): the noise level before the first step and after each, for a token with noise 1, and
        after each that is left of the schedule where it was stopped early.
    noise: float32 (n,): the noise level that each token of the canvas had.
    canvas: float32 (n, d): the canvas's own tokens, clean.
    solver: name of the sampler. grids, patch, space, fps, beside, lead: as in Patches.
    """

    states: Array
    predictions: Array
    sigmas: Array
    noise: Array
    canvas: Array
    solver: str
    grids: tuple[Grid, ...]
    patch: Grid
    space: str
    fps: float
    beside: Arrays = field(default_factory=dict)
    lead: int = 0

    def __post_init__(self) -> None:
        expect_shape("Trajectory.states", self.states, "k n d")
        expect_shape("Trajectory.predictions", self.predictions, "k n d")
        expect_shape("Trajectory.canvas", self.canvas, "n d")
        object.__setattr__(self, "grids", tuple(tuple(grid) for grid in self.grids))
        object.__setattr__(self, "patch", tuple(self.patch))

    @property
    def spec(self) -> TrajectorySpec:
        patches = spec_of(self, self.states.shape[2])
        steps: int = self.predictions.shape[0]
        return TrajectorySpec(steps, patches, left=self.sigmas.shape[0] - 1 - steps)
