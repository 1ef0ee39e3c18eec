"""Latents: what a video VAE makes of a clip."""

from dataclasses import dataclass

from assets.values.array import Array, expect_shape


@dataclass(frozen=True, slots=True)
class LatentSpec:
    channels: int
    frames: int
    height: int
    width: int
    space: str
    fps: float

    def __str__(self) -> str:
        return f"latent {self.channels}x{self.frames}x{self.height}x{self.width} ({self.space})"


@dataclass(frozen=True, slots=True, eq=False)
class Latent:
    """A video latent.

    data: float32 (c, t, h, w), normalised to about zero mean and unit deviation a channel.
    space: name of the latent space, that is of the VAE that reads and writes it.
    fps: frame rate of the clip that it stands for (in frames, not latent frames).
    """

    data: Array
    space: str
    fps: float

    def __post_init__(self) -> None:
        expect_shape("Latent.data", self.data, "c t h w")

    @property
    def spec(self) -> LatentSpec:
        c, t, h, w = self.data.shape
        return LatentSpec(c, t, h, w, self.space, self.fps)
