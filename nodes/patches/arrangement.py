"""Where given patches go on a canvas. No torch here.

The VAE is causal: the first latent row of a clip stands for its first frame alone, each later row for four frames. So a
clip's first row can be nothing but the first row of a canvas; anywhere later the clip is given from its second row on.
An image has that one row only, and stands there for a moment that holds still.
"""

from dataclasses import dataclass
from typing import Literal

from assets.values import MaskSpec, PatchesSpec
from assets.values.handles import Given
from nodes.api import SpecError

Place = Literal["first frame", "last frame", "first and last frame", "start", "end", "both ends", "all", "at position"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Rows of time `take` of the given patches (of the second where `second`) go to rows `put` of the canvas."""

    take: slice
    put: slice
    second: bool = False


def placements(
    canvas: PatchesSpec, given: PatchesSpec, second: PatchesSpec | None, place: Place, rows: int, position: int
) -> list[Placement]:
    """What goes where; SpecError where it does not fit.

    rows: how many rows of time of a clip are used, from its beginning; 0 for all. position: first row, "at position".
    """
    end = second or given
    length = _one_grid("canvas", canvas)[0]
    there, at_end = _used(given, rows), _used(end, rows)
    wired = second is not None
    match place:
        case "first frame":
            made = [Placement(slice(0, 1), slice(0, 1))]
        case "last frame":
            made = [_last(given, length, False)]
        case "first and last frame":
            # One thing given, alike at both ends: a loop. Two given: from the one to the other.
            closing = _last(end, length, True) if wired else Placement(slice(0, 1), slice(length - 1, length))
            made = [Placement(slice(0, 1), slice(0, 1)), closing]
        case "start":
            made = [_from_row(there, 0)]
        case "end":
            made = [_at_end(at_end, length, wired)]
        case "both ends":
            made = [_from_row(there, 0), _at_end(at_end, length, wired)]
        case "at position":
            made = [_from_row(there, position)]
        case "all":
            made = [Placement(slice(0, length), slice(0, length))]
    _require_fit(canvas, given, second, place, made)
    return made


def given_by(canvas: PatchesSpec, made: list[Placement]) -> Given:
    """Which patches of a canvas are given once these placements are made."""
    length = canvas.grids[0][0]
    rows = {row for one in made for row in range(one.put.start, one.put.stop)}
    if len(rows) == length:
        return "nowhere"
    if canvas.given in (None, "nowhere", "first frame") and rows == {0}:
        return "first frame"
    return "first and last frame" if rows == {0, length - 1} else "anywhere"


def mask_cells(mask: MaskSpec, canvas: PatchesSpec) -> tuple[int, int, int]:
    """How a mask lies over a canvas: (frames a latent row after the first, pixels a patch high, wide); or SpecError.

    A mask of one frame stands for all frames; its first entry is then 0.
    """
    t, h, w = _one_grid("canvas", canvas)
    latent_rows = t * canvas.patch[0]
    high, wide = mask.height // h, mask.width // w
    # A latent cell is as many pixels high as wide, so another aspect ratio means another canvas.
    fits = mask.height == high * h and mask.width == wide * w and high * canvas.patch[2] == wide * canvas.patch[1]
    if not fits:
        raise SpecError(
            f"Got a mask of {mask.width}x{mask.height} pixels over {w}x{h} patches; it needs the canvas's size in "
            "pixels. Make it of a clip of that size."
        )
    if mask.frames == 1:
        return 0, high, wide
    if latent_rows == 1 or (mask.frames - 1) % (latent_rows - 1):
        raise SpecError(
            f"Got a mask of {mask.frames} frames over {latent_rows} latent frames; it needs as many frames as the "
            "canvas, or one frame that stands for all."
        )
    return (mask.frames - 1) // (latent_rows - 1), high, wide


def _from_row(rows: int, position: int) -> Placement:
    take = slice(0, rows) if position == 0 else _later(rows)
    return Placement(take, slice(position, position + take.stop - take.start))


def _at_end(rows: int, length: int, second: bool) -> Placement:
    take = _later(rows)
    return Placement(take, slice(length - (take.stop - take.start), length), second)


def _later(rows: int) -> slice:
    """Of `rows` rows from a clip's beginning, those that can stand later on a canvas."""
    return slice(1, rows) if rows > 1 else slice(0, 1)


def _last(given: PatchesSpec, length: int, second: bool) -> Placement:
    rows = given.grids[0][0]
    return Placement(slice(rows - 1, rows), slice(length - 1, length), second)


def _used(given: PatchesSpec, rows: int) -> int:
    length = _one_grid("given clip", given)[0]
    if rows > length:
        raise SpecError(
            f"Asked for {rows} rows of a clip that has {length} in time; use at most {length}, or 0 for all."
        )
    return rows or length


def _one_grid(what: str, patches: PatchesSpec) -> tuple[int, int, int]:
    if len(patches.grids) != 1:
        raise SpecError(f"The {what} holds {len(patches.grids)} clips; arrange them one at a time, before packing.")
    return patches.grids[0]


def _require_fit(
    canvas: PatchesSpec, given: PatchesSpec, second: PatchesSpec | None, place: Place, made: list[Placement]
) -> None:
    length, *sides = canvas.grids[0]
    for patches in (given, second) if second else (given,):
        if patches.space != canvas.space:
            raise SpecError(
                f"Got patches of the latent space {patches.space!r} for a canvas of {canvas.space!r}; use one VAE "
                "for both."
            )
        if patches.patch != canvas.patch or patches.dim != canvas.dim:
            raise SpecError(
                f"Got patches of {_by(patches.patch)} for a canvas of {_by(canvas.patch)}; wire the same DiT into both "
                "patchify and the canvas."
            )
        if list(patches.grids[0][1:]) != sides:
            raise SpecError(
                f"Got a clip of {_by(patches.grids[0][:0:-1])} patches for a canvas of {_by(sides[::-1])}; resize or "
                "crop the clip to the canvas's size before encoding it."
            )
    if place == "all" and given.grids[0][0] != length:
        raise SpecError(
            f"Got {given.grids[0][0]} rows of time for a canvas of {length}; 'all' needs as many. Trim the "
            "clip, or make the canvas as long as it is."
        )
    for one in made:
        if one.put.start < 0 or one.put.stop > length:
            raise SpecError(
                f"Got {one.take.stop - one.take.start} rows of time from row {one.put.start} for a canvas of {length}; "
                "make the canvas longer, or use fewer rows."
            )
    if len(made) == 2 and made[0].put.stop > made[1].put.start:
        raise SpecError(
            f"The two ends meet: {made[0].put.stop} and {length - made[1].put.start} rows of time on a canvas of "
            f"{length}. Make the canvas longer, or use fewer rows."
        )


def _by(sizes: tuple[int, ...] | list[int]) -> str:
    return "x".join(map(str, sizes))
