"""Long videos: a canvas of any length, sampled in windows along the time that overlap.

Each window is given the last rows of the one before, and goes on from them. Its time coordinates run on as far as the
DiT was trained, and then stay: a window in the middle of a clip is like any other. So a step's memory and time depend
on the window alone.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from assets.values import Conditioning, ConditioningSpec, DiT, Patches, PatchesSpec
from nodes.api import Range, Seed, SpecError, node
from nodes.context import Context
from nodes.dit.nodes import OverSteps, sample_spec
from nodes.models.handles import FAMILY

# Rows of patches in time (latent frames, of the built-in DiT) that the longest clips in training had.
TRAINED_ROWS = 17
MOST_ROWS = 65
AddsNone = Literal["euler", "heun", "dpm++2m", "unipc"]
Last = Literal["as long", "shorter"]


@dataclass(frozen=True, slots=True)
class Window:
    """Rows `start` to `stop` of a canvas, of which the first `given` are those of the window before."""

    start: int
    stop: int
    given: int

    @property
    def origin(self) -> int:
        """The time coordinate of its first row."""
        return max(0, min(self.start, TRAINED_ROWS - (self.stop - self.start)))


def windows(rows: int, window: int, overlap: int, last: Last = "as long") -> list[Window]:
    """Windows over `rows` rows, each of `window` (but where there are fewer).

    last: where less is left for the last one, it overlaps more, or is shorter.
    """
    made = [Window(0, min(rows, window), 0)]
    while made[-1].stop < rows:
        start = made[-1].stop - overlap
        start = min(start, rows - window) if last == "as long" else start
        made.append(Window(start, min(start + window, rows), made[-1].stop - start))
    return made


def sample_windows_spec(
    dit: DiT,
    patches: PatchesSpec,
    conditioning: ConditioningSpec,
    steps: int,
    window: int,
    overlap: int,
    negative: ConditioningSpec | None = None,
    guidance: float = 4,
    guidance_over_steps: str = "",
) -> PatchesSpec:
    if overlap >= window:
        raise SpecError(
            f"Got windows of {window} latent frames that overlap by {overlap}; something of each needs to be new. Try "
            f"an overlap of {window - 1} or less."
        )
    if len(patches.grids) != 1:
        raise SpecError(f"Got {len(patches.grids)} clips packed together; needs one. Sample each by itself.")
    if dit.family == FAMILY and window > TRAINED_ROWS:
        raise SpecError(
            f"Got windows of {window} latent frames; the built-in DiT was trained on {TRAINED_ROWS} at most. Try "
            f"{TRAINED_ROWS}."
        )
    if (dit.given != "anywhere" or dit.told == "by a mask") and patches.grids[0][0] > window:
        raise SpecError(
            f"Got a canvas of {patches.grids[0][0]} latent frames in windows of {window}; this DiT cannot go on from "
            "the window before. Make the canvas shorter, or use a DiT that goes on from frames anywhere."
        )
    return sample_spec(dit, patches, conditioning, steps, negative, 0, guidance, guidance_over_steps).patches


def largest_window(patches: PatchesSpec, window: int) -> PatchesSpec:
    return replace(patches, grids=tuple((min(rows, window), high, wide) for rows, high, wide in patches.grids))


@node(
    version=2,
    category="sampling",
    spec=sample_windows_spec,
    at_once=largest_window,
    label="Long sampler",
    keywords=("long video", "overlapping windows", "extend", "endless", "sampler"),
)
def sample_windows(
    dit: Annotated[DiT, "The diffusion transformer."],
    patches: Annotated[Patches, "What is given and what is to be made, of any length."],
    conditioning: Annotated[Conditioning, "What is to be seen, in all of it."],
    negative: Annotated[
        Conditioning | None, "What is not to be seen; without it, guidance leads away from no text."
    ] = None,
    *,
    ctx: Context,
    seed: Annotated[int, Seed(), "Another seed, another clip; the same seed gives the same clip again."] = 0,
    steps: Annotated[int, Range(1, 200), "Steps for each window."] = 24,
    guidance: Annotated[float, Range(1, 20, 0.1), "How closely the text is followed; 1 is without guidance."] = 4.0,
    guidance_over_steps: OverSteps = "",
    window: Annotated[
        int, Range(2, MOST_ROWS), "Latent frames that are made together: 17 at most for the built-in DiT."
    ] = 9,
    overlap: Annotated[int, Range(1, MOST_ROWS - 1), "Latent frames that two windows share."] = 3,
    shift: Annotated[
        float, Range(0, 12, 0.1), "Above 1: more of the steps at high noise, for larger windows; 0: as suits the model."
    ] = 1.0,
    sampler: Annotated[AddsNone, "dpm++2m and unipc need fewer steps, heun two forwards a step."] = "euler",
    last: Annotated[
        Last, "The last window, where less is left: it overlaps more, or is shorter, as its makers have SkyReels-V2."
    ] = "as long",
) -> Patches:
    """Make a long clip window by window, each going on from the last; memory does not grow with the length."""
    import torch
    from einops import rearrange

    from nodes.dit.denoiser import Request, denoiser
    from nodes.dit.guidance import over_steps
    from nodes.dit.stretch import sampled

    if patches.beside:
        raise ValueError(
            "Got a canvas with a clip that is shown beside it, of which a window knows nothing. Use the node "
            "'Sampler', or place the clip by 'Arrange patches'."
        )
    model = denoiser(ctx.model(dit))
    length, high, wide = patches.grids[0]
    layout = (patches.patch, patches.space, patches.fps)
    tokens = rearrange(torch.as_tensor(patches.tokens), "(t hw) d -> t hw d", t=length).clone()
    noise = rearrange(torch.as_tensor(patches.noise), "(t hw) -> t hw", t=length)
    planned, done = windows(length, window, overlap, last), ctx.kept()
    progress = ctx.steps(len(planned) * steps)
    scales = over_steps(guidance, guidance_over_steps, steps)
    # Drawn on the CPU, so that a seed means the same noise on every device.
    generator = torch.Generator().manual_seed(seed)

    for number, part in enumerate(planned):
        rows, size = slice(part.start, part.stop), (part.stop - part.start, high, wide)
        eps = torch.randn(tokens[rows].shape, generator=generator)
        if number < len(done):  # an interrupted run came as far as this
            tokens[rows] = torch.as_tensor(done[number]["tokens"])
            for _ in range(steps):
                next(progress)
            continue
        given = noise[rows].clone()
        given[: part.given] = 0
        begun = Patches(tokens[rows].flatten(0, 1), given.flatten(), (size,), *layout)
        levels = model.levels(steps, shift, [size])
        request = Request(begun, conditioning, negative, seed, guidance, levels, part.origin, scales)
        made = sampled(model, request, eps.flatten(0, 1), sampler, progress, ctx)
        tokens[rows] = rearrange(made, "(t hw) d -> t hw d", t=size[0])
        ctx.keep({"tokens": tokens[rows].clone()})
    next(progress, None)

    flat = rearrange(tokens, "t hw d -> (t hw) d")
    return Patches(flat, torch.zeros(len(flat)), patches.grids, patches.patch, patches.space, patches.fps)
