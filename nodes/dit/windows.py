"""Long videos: a canvas of any length, sampled in windows along the time that overlap.

Each window is given the last rows of the one before, and goes on from them. Its time coordinates run on as far as the
DiT was trained, and then stay: a window in the middle of a clip is like any other. So a step's memory and time depend
on the window alone.
"""

from dataclasses import dataclass
from typing import Annotated

from assets.values import Conditioning, ConditioningSpec, DiT, Patches, PatchesSpec
from assets.values.array import Array
from nodes.api import Range, Seed, SpecError, node
from nodes.context import Context
from nodes.dit.nodes import sample_spec

# Rows of patches in time (latent frames, of the built-in DiT) that the longest clips in training had.
TRAINED_ROWS = 17


@dataclass(frozen=True, slots=True)
class Window:
    """Rows `start` to `stop` of a canvas, of which the first `given` are those of the window before."""

    start: int
    stop: int
    given: int

    @property
    def origin(self) -> int:
        """The time coordinate of its first row."""
        return min(self.start, TRAINED_ROWS - (self.stop - self.start))


def windows(rows: int, window: int, overlap: int) -> list[Window]:
    """Windows over `rows` rows: all of `window` rows (but where there are fewer); the last may overlap more."""
    made = [Window(0, min(rows, window), 0)]
    while made[-1].stop < rows:
        start = min(made[-1].stop - overlap, rows - window)
        made.append(Window(start, start + window, made[-1].stop - start))
    return made


def sample_windows_spec(
    dit: DiT,
    patches: PatchesSpec,
    conditioning: ConditioningSpec,
    steps: int,
    window: int,
    overlap: int,
    negative: ConditioningSpec | None = None,
) -> PatchesSpec:
    if overlap >= window:
        raise SpecError(
            f"Got windows of {window} latent frames that overlap by {overlap}; something of each needs to be new. Try "
            f"an overlap of {window - 1} or less."
        )
    if len(patches.grids) != 1:
        raise SpecError(f"Got {len(patches.grids)} clips packed together; needs one. Sample each by itself.")
    return sample_spec(dit, patches, conditioning, steps, negative).patches


@node(
    version=1,
    category="sampling",
    spec=sample_windows_spec,
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
    window: Annotated[int, Range(2, TRAINED_ROWS), "Latent frames that are made together, at most 17."] = 9,
    overlap: Annotated[int, Range(1, TRAINED_ROWS - 1), "Latent frames that two windows share."] = 3,
    shift: Annotated[
        float, Range(0, 12, 0.1), "Above 1: more of the steps at high noise, for larger windows; 0: by their size."
    ] = 1.0,
) -> Patches:
    """Make a long clip window by window, each going on from the last; memory does not grow with the length."""
    import torch
    from einops import rearrange

    from nodes.dit import samplers
    from nodes.dit.denoiser import levels_for
    from nodes.dit.guidance import guided
    from nodes.dit.objectives import foreseen
    from nodes.patches.layout import grid_coords
    from nodes.text_encoder.model import Encoded

    def encoded(rows: Array) -> Encoded:
        text = rearrange(torch.as_tensor(rows), "m d -> 1 m d").to(ctx.device)
        return Encoded(text, torch.ones(text.shape[:2], dtype=torch.bool, device=ctx.device))

    model = ctx.model(dit)
    length, high, wide = patches.grids[0]
    tokens = rearrange(torch.as_tensor(patches.tokens), "(t hw) d -> t hw d", t=length).clone()
    noise = rearrange(torch.as_tensor(patches.noise), "(t hw) -> t hw", t=length)
    text, null = encoded(conditioning.embeds), encoded(negative.embeds if negative else conditioning.null)
    planned, done = windows(length, window, overlap), ctx.kept()
    progress = ctx.steps(len(planned) * steps)
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
        clean, eps, given = (
            rearrange(x, "t hw ... -> 1 (t hw) ...").to(ctx.device) for x in (tokens[rows], eps, given)
        )
        coords = grid_coords(*size, start=part.origin).to(ctx.device)
        with torch.inference_mode():
            foresee = foreseen(model.config.objective, guided(model, coords, text, null, guidance))
            state = samplers.begin(clean, given, eps, levels_for(steps, shift, [size]), model.config.objective)
            for _ in range(steps):
                next(progress)
                state = samplers.euler(state, foresee)
                ctx.preview(
                    Patches(state.clean[0].cpu(), given[0].cpu(), (size,), patches.patch, patches.space, patches.fps)
                )
        tokens[rows] = rearrange(state.x[0].cpu(), "(t hw) d -> t hw d", t=size[0])
        ctx.keep({"tokens": tokens[rows].clone()})
    next(progress, None)

    flat = rearrange(tokens, "t hw d -> (t hw) d")
    return Patches(flat, torch.zeros(len(flat)), patches.grids, patches.patch, patches.space, patches.fps)
