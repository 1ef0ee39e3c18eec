"""Numbers for the widgets of other nodes: by hand, reckoned, and as large as a clip or a canvas is."""

import math
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from assets.values import Clip, ClipSpec, Patches, PatchesSpec, Scalar, ScalarSpec, VideoVAE
from nodes.api import Seed, SpecError, node
from nodes.patches.nodes import unpatchify_spec
from nodes.video_vae.nodes import decode_latent_spec

Operation = Literal["add", "subtract", "multiply", "divide", "round", "round down", "round up", "smaller", "larger"]
OPERATIONS: dict[Operation, Callable[[float, float], float]] = {
    "add": lambda number, by: number + by,
    "subtract": lambda number, by: number - by,
    "multiply": lambda number, by: number * by,
    "divide": lambda number, by: number / by,
    "round": lambda number, by: math.floor(number / by + 0.5) * by,
    "round down": lambda number, by: math.floor(number / by) * by,
    "round up": lambda number, by: math.ceil(number / by) * by,
    "smaller": min,
    "larger": max,
}
ROUNDING = ("round", "round down", "round up")
LARGEST = 2**63
"""From here on no setting takes a number, and a whole one is no longer told from its neighbours."""


def number_spec(value: float) -> ScalarSpec:
    return ScalarSpec(_plain(value))


@node(version=1, category="numbers", spec=number_spec, keywords=("value", "float", "constant", "fps", "guidance"))
def number(
    *, value: Annotated[float, "Any number; one without decimals goes into whole settings as well."] = 1.0
) -> Scalar:
    """A number for as many settings as it is wired to. A right click on a setting makes a port of it."""
    return Scalar(_plain(value))


def whole_number_spec(value: int) -> ScalarSpec:
    return ScalarSpec(value)


@node(
    version=1,
    category="numbers",
    spec=whole_number_spec,
    keywords=("value", "integer", "int", "constant", "frames", "width", "height", "steps"),
)
def whole_number(*, value: Annotated[int, "Frames, a width, steps: whatever is counted."] = 1) -> Scalar:
    """A whole number for as many settings as it is wired to. A right click on a setting makes a port of it."""
    return Scalar(value)


def seed_spec(seed: int) -> ScalarSpec:
    return ScalarSpec(seed)


@node(version=1, category="numbers", spec=seed_spec, keywords=("random", "number", "noise", "integer"))
def seed(
    *, seed: Annotated[int, Seed(), "What is wired to it draws the same; a batch of seeds goes through it."] = 0
) -> Scalar:
    """One seed for several nodes."""
    return Scalar(seed)


def calculate_spec(number: ScalarSpec, operation: Operation, by: float, start: float = 0) -> ScalarSpec:
    if number.value is None:
        return ScalarSpec(None)
    if isinstance(number.value, bool | str):
        raise SpecError(f"Got {number.value!r}; it needs a number. Wire one of the nodes under Numbers.")
    if by == 0 and operation not in ("add", "subtract", "multiply", "smaller", "larger"):
        raise SpecError(f"Got {number.value} to {operation} by 0, which gives nothing. Try 1.")
    if operation not in ROUNDING:
        start = 0
    try:
        made = start + OPERATIONS[operation](number.value - start, by)
    except OverflowError:
        made = math.inf
    if not abs(made) < LARGEST:
        raise SpecError(f"Got {number.value} to {operation} by {by}, which is too large a number. Try smaller ones.")
    return ScalarSpec(_plain(made))


@node(
    version=1,
    category="numbers",
    spec=calculate_spec,
    keywords=("math", "add", "multiply", "divide", "round", "whole", "integer", "minimum", "maximum", "value"),
)
def calculate(
    number: Annotated[Scalar, "What is reckoned with."],
    *,
    operation: Annotated[
        Operation, "round: to the nearest multiple of the other number, so by 1 to a whole one, by 16 to whole patches."
    ] = "multiply",
    by: Annotated[float, "The other number; it can be a port as well."] = 2.0,
    start: Annotated[
        float, "Where rounding counts from: by 4 from 1 gives 1, 5, 9 and so on, the lengths that a VAE takes."
    ] = 0.0,
) -> Scalar:
    """Make another number of one: twice the width, one frame more, the nearest multiple of 16."""
    made = calculate_spec(number.spec, operation, by, start).value
    assert made is not None
    return Scalar(made)


class Size(NamedTuple):
    width: Scalar
    height: Scalar
    frames: Scalar
    fps: Scalar


class SizeSpec(NamedTuple):
    width: ScalarSpec
    height: ScalarSpec
    frames: ScalarSpec
    fps: ScalarSpec


def clip_size_spec(clip: ClipSpec) -> SizeSpec:
    return SizeSpec(
        ScalarSpec(clip.width), ScalarSpec(clip.height), ScalarSpec(clip.frames), ScalarSpec(_plain(clip.fps))
    )


@node(
    version=1,
    category="numbers",
    spec=clip_size_spec,
    label="Size of a clip",
    keywords=("width", "height", "frames", "length", "fps", "dimensions", "resolution", "aspect ratio", "number"),
)
def clip_size(clip: Annotated[Clip, "What is measured."]) -> Size:
    """How large and how long a clip is, as numbers: for a canvas or a resize that goes by it."""
    return _values(clip_size_spec(clip.spec))


def canvas_size_spec(canvas: PatchesSpec, vae: VideoVAE) -> SizeSpec:
    return clip_size_spec(decode_latent_spec(vae, unpatchify_spec(canvas)))


@node(
    version=1,
    category="numbers",
    spec=canvas_size_spec,
    label="Size of a canvas",
    keywords=("width", "height", "frames", "length", "fps", "dimensions", "resolution", "aspect ratio", "number"),
)
def canvas_size(
    canvas: Annotated[Patches, "What is measured."],
    vae: Annotated[VideoVAE, "It says how many pixels and frames a latent cell stands for."],
) -> Size:
    """How large and how long the clip of a canvas is, as numbers: for a second canvas that follows the first."""
    return _values(canvas_size_spec(canvas.spec, vae))


def _values(specs: SizeSpec) -> Size:
    return Size(*(Scalar(spec.value) for spec in specs if spec.value is not None))


def _plain(value: float) -> int | float:
    """A whole number as one, which then reads and counts as it does elsewhere."""
    return int(value) if float(value).is_integer() else value
