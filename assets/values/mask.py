"""Masks: where a clip is to be made anew."""

from dataclasses import dataclass

from assets.values.array import Array, expect_shape


@dataclass(frozen=True, slots=True)
class MaskSpec:
    frames: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"mask {self.width}x{self.height}, {self.frames} frames"


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """weight: float32 (t, h, w) in [0, 1]; 1 = to be made, 0 = kept."""

    weight: Array

    def __post_init__(self) -> None:
        expect_shape("Mask.weight", self.weight, "t h w")

    @property
    def spec(self) -> MaskSpec:
        return MaskSpec(*self.weight.shape)
