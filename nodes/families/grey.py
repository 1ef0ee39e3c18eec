"""Frames given in a clip whose other frames are grey: how Wan's image-to-video DiTs are told of them. No torch here."""

from dataclasses import dataclass
from typing import Literal

from assets.values.handles import Given
from nodes.api import SpecError

FramesPlace = Literal["first frame", "last frame", "first and last frame", "start", "end", "both ends"]


@dataclass(frozen=True, slots=True)
class Span:
    """`count` frames from `first` on (of the second clip where `second`) are those from `start` on of the canvas."""

    first: int
    count: int
    start: int
    second: bool = False

    @property
    def stop(self) -> int:
        return self.start + self.count


def spans(place: FramesPlace, frames: int, clip: int, second: int | None, stride: int) -> list[Span]:
    """What goes where on a canvas of so many frames; SpecError where it does not fit. clip, second: their frames."""
    end, other = second or clip, second is not None
    first, start = Span(0, 1, 0), Span(0, clip, 0)
    match place:
        case "first frame":
            made = [first]
        case "last frame":
            made = [Span(clip - 1, 1, frames - 1)]
        case "first and last frame":
            # One thing given, alike at both ends: a loop. Two given: from the one to the other.
            made = [first, Span(end - 1 if other else 0, 1, frames - 1, other)]
        case "start":
            made = [start]
        case "end":
            made = [Span(0, end, frames - end, other)]
        case "both ends":
            made = [start, Span(0, end, frames - end, other)]
    _require_fit(made, frames, stride)
    return made


def frames_given(made: list[Span]) -> set[int]:
    return {frame for span in made for frame in range(span.start, span.stop)}


def named(given: set[int], frames: int) -> Given:
    """What so many frames of a canvas are called."""
    if len(given) == frames:
        return "nowhere"
    if given == {0}:
        return "first frame"
    return "first and last frame" if given == {0, frames - 1} else "anywhere"


def row_levels(given: set[int], frames: int, stride: int) -> list[float]:
    """The noise level of each latent row: the share of its frames that is to be made; those given are its last ones."""
    rows = [[0], *(range(start, start + stride) for start in range(1, frames, stride))]
    return [1 - sum(frame in given for frame in row) / len(row) for row in rows]


def _require_fit(made: list[Span], frames: int, stride: int) -> None:
    for span in made:
        if span.count > frames:
            raise SpecError(
                f"Got {span.count} frames for a canvas of {frames}; make the canvas longer, or trim the clip."
            )
        if span.start == 0 and (span.count - 1) % stride:
            below = 1 + (span.count - 1) // stride * stride
            raise SpecError(
                f"Got {span.count} frames for the start; it needs 1 + {stride}k, whole latent frames. Trim the clip to "
                f"{below}."
            )
    if len(made) == 2 and made[0].stop > made[1].start:
        raise SpecError(
            f"The two ends meet: {made[0].count} and {made[1].count} frames on a canvas of {frames}. Make the canvas "
            "longer, or trim the clips."
        )
