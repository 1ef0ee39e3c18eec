"""What may be given to a DiT beside noise and text, and the sentences for what may not. No torch here."""

from typing import get_args

from assets.values import ConditioningSpec, DiT, PatchesSpec
from assets.values.handles import Given
from assets.values.patches import Grid
from nodes.api import SpecError

_FRAMES = "Make the canvas with the node 'Canvas from frames', which does as this DiT needs it."


def covers(allowed: Given, asked: Given) -> bool:
    """Whether what is given is among what may be."""
    order = get_args(Given)
    return order.index(asked) <= order.index(allowed)


def require_given(dit: DiT, patches: PatchesSpec, conditioning: ConditioningSpec) -> None:
    """SpecError unless the DiT can go on from what the canvas gives and what the conditioning shows, so far as said."""
    if dit.section:
        raise SpecError(
            f"Got a DiT that makes a clip in sections of {dit.section} latent frames; use the node 'FramePack sampler'."
        )
    for grid in patches.grids:
        require_sides(dit, grid)
    require_place(dit, patches)
    if dit.needs_given and patches.given == "nowhere":
        raise SpecError(f"Got a canvas on which nothing is given; this DiT goes on from the {dit.given}. {_FRAMES}")
    _require_told(dit, patches)
    if conditioning.images is not None and conditioning.images != dit.images:
        got, needs = _pictures(conditioning.images), _pictures(dit.images)
        way = "and what it is to show through" if dit.images else "to the sampler without"
        raise SpecError(
            f"Got a conditioning that tells of {got}; this DiT needs {needs} beside the text. Wire the text {way} the "
            "node 'Encode image'; where the text encoder itself reads pictures, 'Encode text with image'."
        )


def require_sides(dit: DiT, grid: Grid, unit: tuple[int, int] | None = None) -> None:
    """SpecError where the DiT has no places for a canvas of that size. unit: (h, w) of a patch in pixels, if known."""
    if dit.sides is None:
        return
    _, *got = grid
    fits = got == [*dit.sides] if dit.only_sides else all(a <= b for a, b in zip(got, dit.sides, strict=True))
    if not fits:
        high, wide = unit or (1, 1)
        is_, knows = (f"{w * wide}x{h * high}" for h, w in (got, dit.sides))
        raise SpecError(
            f"Got a canvas of {is_} {'pixels' if unit else 'patches'}; this DiT makes clips of {knows} "
            + ("only. Resize or crop what is given." if dit.only_sides else "at most. Make the canvas smaller.")
        )


def require_place(dit: DiT, patches: PatchesSpec) -> None:
    """SpecError where patches are given of which the DiT cannot be told."""
    if patches.given is None:
        return
    if dit.given == "nowhere" and patches.given != "nowhere":
        raise SpecError(
            f"Got a canvas on which some patches are given; {dit.family} makes whole clips only, or edits one (place "
            "'all' without a mask). Use a model that goes on from frames."
        )
    if not covers(dit.given, patches.given):
        raise SpecError(
            f"Got a canvas with patches given {_where(patches.given)}; this DiT goes on from the {dit.given} alone. "
            "Place what is given there, or use a model that takes it anywhere."
        )


def _require_told(dit: DiT, patches: PatchesSpec) -> None:
    """SpecError where the DiT cannot be told of what is given as the canvas has it."""
    if dit.told == patches.told:
        return
    if dit.told == "by a mask":
        raise SpecError(
            "Got a canvas without a mask; this DiT is told by one what it is to make, on an empty canvas too. Make the "
            "canvas with the node 'Canvas by mask', or 'Canvas from frames'."
        )
    if patches.told == "by a mask":
        raise SpecError(
            "Got a canvas with a mask that another DiT is told by; this one is told of given frames "
            f"{dit.told}. Wire it into the canvas's node as well."
        )
    if patches.given not in (None, "nowhere"):
        got, needs = patches.told, dit.told
        raise SpecError(f"Got given frames that were encoded {got}; this DiT needs them encoded {needs}. {_FRAMES}")


def _where(given: Given) -> str:
    return f"at the {given}" if given != "anywhere" else "elsewhere than at its ends"


def _pictures(count: int) -> str:
    return ("no picture", "one picture", "two pictures")[count]
